/** Roles with a login, a password and nothing else. */
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
  array(select pg_get_userbyid(member)::text from pg_auth_members where roleid = r.oid order by 1) as members
from pg_authid r where rolname = $1`;

const passwordFact = async (servers: Servers, request: ObserveRequest, verifier: string): Promise<string> => {
  const secret = textOf((request.resource?.payload as { secret?: string } | undefined)?.secret);
  if (secret === "") return textOf(request.recorded?.spec["password"]);
  const password = await servers.secret(secret).catch(() => undefined);
  return password !== undefined && verifierFits(verifier, password) ? textOf(specOf(request)["password"]) : "another one";
};

const seeRole =
  (servers: Servers): See =>
  async (found, request) => {
    const spec = specOf(request);
    const [row] = await found.query(ROLE_QUERY, [spec["name"]]);
    if (row === undefined) return { status: "absent" };
    const facts: JsonObject = {
      machine: spec["machine"] ?? "",
      name: spec["name"] ?? "",
      login: row["rolcanlogin"] === true,
      superuser: row["rolsuper"] === true,
      createDatabase: row["rolcreatedb"] === true,
      createRole: row["rolcreaterole"] === true,
      replication: row["rolreplication"] === true,
      bypassRowSecurity: row["rolbypassrls"] === true,
      memberOf: namesOf(row["member_of"]),
      members: namesOf(row["members"]),
      password: await passwordFact(servers, request, textOf(row["rolpassword"])),
    };
    return { status: "present", facts };
  };

const leaveOthers = async (found: Database, name: string): Promise<void> => {
  const [row] = await found.query(ROLE_QUERY, [name]);
  for (const other of namesOf(row?.["member_of"])) await found.query(`revoke ${quoteName(other)} from ${quoteName(name)} cascade`);
  for (const other of namesOf(row?.["members"])) await found.query(`revoke ${quoteName(name)} from ${quoteName(other)} cascade`);
};

const applyRole = async (servers: Servers, salt: Buffer, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, name } = request.resource.spec as { machine: string; name: string };
  const { secret } = request.resource.payload as { secret: string };
  const verifier = makeVerifier(await servers.secret(secret), salt, ITERATIONS);
  await servers.change(machine, MAINTENANCE, (found) =>
    inTransaction(found, async () => {
      const [there] = await found.query("select 1 from pg_roles where rolname = $1", [name]);
      const verb = there === undefined ? "create" : "alter";
      await found.query(
        `${verb} role ${quoteName(name)} with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${quoteText(verifier)}`,
      );
      await leaveOthers(found, name);
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
