/** Roles with a login, a password and nothing else; or with a twin that logs in in their place. */
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import { quoteName, quoteText } from "./client.ts";
import type { Database } from "./client.ts";
import { makeVerifier, verifierFits } from "./scram.ts";
import { MAINTENANCE, inTransaction, namesOf, observeIn, specOf, textOf } from "./server.ts";
import type { See, Servers } from "./server.ts";

const ITERATIONS = 4096;

const ROLE_QUERY = `select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolpassword,
  array(select pg_get_userbyid(roleid)::text from pg_auth_members where member = r.oid order by 1) as member_of,
  array(select pg_get_userbyid(member)::text from pg_auth_members where roleid = r.oid order by 1) as members,
  array(select setting from pg_db_role_setting, unnest(setconfig) setting where setrole = r.oid and setdatabase = 0) as settings
from pg_authid r where rolname = $1`;

const ACTS_AS = "role=";

const passwordFact = async (servers: Servers, request: ObserveRequest, verifier: string): Promise<string> => {
  if (request.resource === undefined) return textOf(request.recorded?.spec["password"]);
  const secret = textOf((request.resource.payload as { secret?: string } | undefined)?.secret);
  if (secret === "") return verifier === "" ? "none" : "another one";
  const password = await servers.secret(secret).catch(() => undefined);
  return password !== undefined && verifierFits(verifier, password) ? textOf(specOf(request)["password"]) : "another one";
};

const seeRole =
  (servers: Servers): See =>
  async (found, request) => {
    const spec = specOf(request);
    const [row] = await found.query(ROLE_QUERY, [spec["name"]]);
    if (row === undefined) return { status: "absent" };
    const actsAs =
      namesOf(row["settings"])
        .find((setting) => setting.startsWith(ACTS_AS))
        ?.slice(ACTS_AS.length) ?? "";
    const facts: JsonObject = {
      machine: spec["machine"] ?? "",
      name: spec["name"] ?? "",
      login: row["rolcanlogin"] === true,
      superuser: row["rolsuper"] === true,
      createDatabase: row["rolcreatedb"] === true,
      createRole: row["rolcreaterole"] === true,
      replication: row["rolreplication"] === true,
      bypassRowSecurity: row["rolbypassrls"] === true,
      // That it belongs to whom it acts as is seen at that one's members.
      memberOf: namesOf(row["member_of"]).filter((other) => other !== actsAs),
      members: namesOf(row["members"]),
      actsAs,
      password: await passwordFact(servers, request, textOf(row["rolpassword"])),
    };
    return { status: "present", facts };
  };

type RoleSpec = {
  readonly machine: string;
  readonly name: string;
  readonly login: boolean;
  readonly members: readonly string[];
  readonly actsAs: string;
};

const settleMembers = async (found: Database, { name, members, actsAs }: RoleSpec): Promise<void> => {
  const [row] = await found.query(ROLE_QUERY, [name]);
  for (const other of namesOf(row?.["member_of"]))
    if (other !== actsAs) await found.query(`revoke ${quoteName(other)} from ${quoteName(name)} cascade`);
  // Also who stays: only so are the options of its membership the usual ones again. It is one transaction, so nobody misses it.
  for (const other of namesOf(row?.["members"])) await found.query(`revoke ${quoteName(name)} from ${quoteName(other)} cascade`);
  for (const member of members) await found.query(`grant ${quoteName(name)} to ${quoteName(member)}`);
};

/** From its first moment on, a session of a twin is one of the role it stands for: what it makes belongs to that role. */
const settleActing = (found: Database, { name, actsAs }: RoleSpec): Promise<unknown> =>
  found.query(`alter role ${quoteName(name)} ${actsAs === "" ? "reset role" : `set role = ${quoteText(actsAs)}`}`);

const applyRole = async (servers: Servers, salt: Buffer, request: ApplyRequest): Promise<JsonObject> => {
  const spec = request.resource.spec as JsonObject & RoleSpec;
  const { machine, name, login } = spec;
  const { secret } = request.resource.payload as { secret?: string };
  const verifier = secret === undefined ? "null" : quoteText(makeVerifier(await servers.secret(secret), salt, ITERATIONS));
  await servers.change(machine, MAINTENANCE, (found) =>
    inTransaction(found, async () => {
      const [there] = await found.query("select 1 from pg_roles where rolname = $1", [name]);
      const verb = there === undefined ? "create" : "alter";
      await found.query(
        `${verb} role ${quoteName(name)} with ${login ? "login" : "nologin"} nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${verifier}`,
      );
      await settleActing(found, spec);
      await settleMembers(found, spec);
    }),
  );
  return {};
};

export const makeRoleDriver = (servers: Servers, salt: () => Buffer): Driver => ({
  kind: "postgres-role",
  observe: observeIn(servers, () => MAINTENANCE, seeRole(servers)),
  apply: (request) => applyRole(servers, salt(), request),
  remove: async (request) => {
    const { machine, name } = request.recorded.spec as { machine: string; name: string };
    await servers.change(machine, MAINTENANCE, (found) => found.query(`drop role if exists ${quoteName(name)}`));
  },
});
