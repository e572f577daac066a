/** Who may do what in one database: its owner everything, rw the rows, ro reading, all others nothing. */
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import { quoteName } from "./client.ts";
import type { Database, Row } from "./client.ts";
import { toGrants, without } from "./privileges.ts";
import { inTransaction, observeIn, specOf, textOf } from "./server.ts";
import type { See, Servers } from "./server.ts";

type GrantSpec = { readonly machine: string; readonly database: string; readonly owner: string; readonly rw: string; readonly ro: string };

/** For the whole database and for its schema `public`: PostgreSQL adds them up. */
const defaults = (type: "r" | "S" | "f"): string =>
  `array(select distinct item from pg_default_acl, unnest(defaclacl::text[]) item where defaclrole = $1::regrole and defaclnamespace in (0, 'public'::regnamespace) and defaclobjtype = '${type}' order by item)`;

const ACL_QUERY = `select
  (select coalesce(datacl, acldefault('d', datdba))::text[] from pg_database where datname = current_database()) as database,
  (select coalesce(nspacl, acldefault('n', nspowner))::text[] from pg_namespace where nspname = 'public') as schema,
  ${defaults("r")} as tables,
  ${defaults("S")} as sequences,
  ${defaults("f")} as functions,
  to_regclass('public.croft_migrations') is not null as logged`;

const seeGrants: See = async (found, request) => {
  const spec = specOf(request) as JsonObject & GrantSpec;
  const [known] = await found.query("select 1 from pg_roles where rolname = $1", [spec.owner]);
  if (known === undefined) return { status: "absent" };
  const [row = {} as Row] = await found.query(ACL_QUERY, [quoteName(spec.owner)]);
  const facts: JsonObject = {
    machine: spec.machine,
    database: spec.database,
    owner: spec.owner,
    rw: spec.rw,
    ro: spec.ro,
    connect: toGrants(row["database"]),
    schema: toGrants(row["schema"]),
    tables: without(toGrants(row["tables"]), spec.owner),
    sequences: without(toGrants(row["sequences"]), spec.owner),
    functions: without(toGrants(row["functions"]), spec.owner),
  };
  return { status: "present", facts };
};

/** Everything anew in one transaction: what somebody added goes, with what came from it; what is missing comes. */
const grantStatements = (row: Row, spec: GrantSpec): readonly string[] => {
  const database = `database ${quoteName(spec.database)}`;
  const [owner, rw, ro] = [quoteName(spec.owner), quoteName(spec.rw), quoteName(spec.ro)];
  const others = (items: unknown): readonly string[] => {
    const strangers = Object.keys(toGrants(items)).filter((name) => name !== "PUBLIC" && ![spec.owner, spec.rw, spec.ro].includes(name));
    return ["public", ...strangers.map(quoteName), rw, ro];
  };
  const byDefault = `alter default privileges for role ${owner}`;
  return [
    ...others(row["database"]).map((name) => `revoke all on ${database} from ${name} cascade`),
    `grant connect on ${database} to ${rw}, ${ro}`,
    `grant all on ${database} to ${owner}`,
    `alter schema public owner to ${owner}`,
    ...others(row["schema"]).map((name) => `revoke all on schema public from ${name} cascade`),
    `grant all on schema public to ${owner}`,
    `grant usage on schema public to ${rw}, ${ro}`,
    ...["tables", "sequences", "functions"].flatMap((objects) =>
      others(row[objects]).flatMap((name) =>
        [byDefault, `${byDefault} in schema public`].map((place) => `${place} revoke all on ${objects} from ${name} cascade`),
      ),
    ),
    `${byDefault} grant select, insert, update, delete on tables to ${rw}`,
    `${byDefault} grant select on tables to ${ro}`,
    `${byDefault} grant usage, select, update on sequences to ${rw}`,
    `${byDefault} grant select on sequences to ${ro}`,
    `${byDefault} grant execute on functions to ${rw}, ${ro}`,
    `grant select, insert, update, delete on all tables in schema public to ${rw}`,
    `grant select on all tables in schema public to ${ro}`,
    `grant usage, select, update on all sequences in schema public to ${rw}`,
    `grant select on all sequences in schema public to ${ro}`,
    `grant execute on all functions in schema public to ${rw}, ${ro}`,
    // What croft itself wrote down is read, not written, by those who come in for the app.
    ...(row["logged"] === true ? [`revoke insert, update, delete on public.croft_migrations from ${rw}`] : []),
  ];
};

const grantAll = async (found: Database, spec: GrantSpec): Promise<void> => {
  const [row = {} as Row] = await found.query(ACL_QUERY, [quoteName(spec.owner)]);
  for (const statement of grantStatements(row, spec)) await found.query(statement);
};

const applyGrants = async (servers: Servers, request: ApplyRequest): Promise<JsonObject> => {
  const spec = request.resource.spec as JsonObject & GrantSpec;
  await servers.change(spec.machine, spec.database, (found) => inTransaction(found, () => grantAll(found, spec)));
  return {};
};

export const makeGrantDriver = (servers: Servers): Driver => ({
  kind: "postgres-grants",
  observe: observeIn(servers, (spec) => textOf(spec["database"]), seeGrants),
  apply: (request) => applyGrants(servers, request),
  // They go with their database.
  remove: async () => {},
});
