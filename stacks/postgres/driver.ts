/** Effects inside PostgreSQL: roles, databases, grants, migrations, seen in the catalogue and repaired there. */
import { randomBytes } from "node:crypto";
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { Migration } from "../../provisioner/model/contribution.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { quoteName, quoteText, withDatabase } from "./client.ts";
import type { Database, Row } from "./client.ts";
import { makeVerifier, verifierFits } from "./scram.ts";

export type PostgresTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  /** The password behind a secret's name. */
  readonly secret: (name: string) => Promise<string>;
};

const ITERATIONS = 4096;
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const specOf = (request: ObserveRequest): JsonObject => (request.resource ?? request.recorded)?.spec ?? {};

const inServer = async <T>(tools: PostgresTools, machine: string, database: string, work: (found: Database) => Promise<T>): Promise<T> =>
  withDatabase(await tools.connect(machine), database, work);

const databaseExists = async (found: Database, name: string): Promise<boolean> =>
  (await found.query("select 1 from pg_database where datname = $1", [name])).length > 0;

type Seen = (found: Database, request: ObserveRequest) => Promise<Observation>;

/** One connection for all resources of a kind that look at the same database. */
const observeIn =
  (tools: PostgresTools, databaseOf: (spec: JsonObject) => string, see: Seen): Driver["observe"] =>
  async (requests) => {
    const one = (request: ObserveRequest): Promise<Observation> => {
      const spec = specOf(request);
      const machine = text(spec["machine"]);
      return hiddenWhenUnreachable(machine, () =>
        inServer(tools, machine, "postgres", async (found) => {
          const database = databaseOf(spec);
          if (database === "postgres") return see(found, request);
          if (!(await databaseExists(found, database))) return { status: "absent" };
          return inServer(tools, machine, database, (inside) => see(inside, request));
        }),
      );
    };
    return new Map(await Promise.all(requests.map(async (request) => [request.id, await one(request)] as const)));
  };

// Roles

const passwordFact = async (tools: PostgresTools, request: ObserveRequest, verifier: string): Promise<string> => {
  const secret = text((request.resource?.payload as { secret?: string } | undefined)?.secret);
  if (secret === "") return text(request.recorded?.spec["password"]);
  const password = await tools.secret(secret).catch(() => undefined);
  return password !== undefined && verifierFits(verifier, password) ? text(specOf(request)["password"]) : "another one";
};

const seeRole =
  (tools: PostgresTools): Seen =>
  async (found, request) => {
    const spec = specOf(request);
    const [row] = await found.query("select rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolpassword from pg_authid where rolname = $1", [spec["name"]]);
    if (row === undefined) return { status: "absent" };
    return {
      status: "present",
      facts: {
        machine: spec["machine"] ?? "",
        name: spec["name"] ?? "",
        login: row["rolcanlogin"] === true,
        superuser: row["rolsuper"] === true,
        createDatabase: row["rolcreatedb"] === true,
        createRole: row["rolcreaterole"] === true,
        password: await passwordFact(tools, request, text(row["rolpassword"])),
      },
    };
  };

const applyRole = async (tools: PostgresTools, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, name } = request.resource.spec as { machine: string; name: string };
  const { secret } = request.resource.payload as { secret: string };
  const verifier = makeVerifier(await tools.secret(secret), randomBytes(16), ITERATIONS);
  await inServer(tools, machine, "postgres", async (found) => {
    const [there] = await found.query("select 1 from pg_roles where rolname = $1", [name]);
    const verb = there === undefined ? "create" : "alter";
    await found.query(`${verb} role ${quoteName(name)} with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${quoteText(verifier)}`);
  });
  return {};
};

const removeRole = async (tools: PostgresTools, request: RemoveRequest): Promise<void> => {
  const { machine, name } = request.recorded.spec as { machine: string; name: string };
  await inServer(tools, machine, "postgres", (found) => found.query(`drop role if exists ${quoteName(name)}`));
};

// Databases

const seeDatabase: Seen = async (found, request) => {
  const spec = specOf(request);
  const [row] = await found.query("select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding from pg_database where datname = $1", [spec["name"]]);
  if (row === undefined) return { status: "absent" };
  return { status: "present", facts: { machine: spec["machine"] ?? "", name: spec["name"] ?? "", owner: text(row["owner"]), encoding: text(row["encoding"]) } };
};

const applyDatabase = async (tools: PostgresTools, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, name, owner } = request.resource.spec as { machine: string; name: string; owner: string };
  await inServer(tools, machine, "postgres", async (found) => {
    if (!(await databaseExists(found, name))) await found.query(`create database ${quoteName(name)} owner ${quoteName(owner)} encoding 'UTF8' template template0`);
    else await found.query(`alter database ${quoteName(name)} owner to ${quoteName(owner)}`);
  });
  return {};
};

const removeDatabase = async (tools: PostgresTools, request: RemoveRequest): Promise<void> => {
  const { machine, name } = request.recorded.spec as { machine: string; name: string };
  await inServer(tools, machine, "postgres", (found) => found.query(`drop database if exists ${quoteName(name)} with (force)`));
};

// Grants

type GrantSpec = { readonly machine: string; readonly database: string; readonly owner: string; readonly rw: string; readonly ro: string };

/** `role=letters/grantor` items as role to letters; the empty role is PUBLIC. */
const toGrants = (items: unknown): JsonObject => {
  const list = Array.isArray(items) ? (items as readonly string[]) : [];
  const pairs = list.map((item): readonly [string, string] => {
    const [, grantee = "", letters = ""] = /^"?([^"=]*)"?=([^/]*)\//.exec(item) ?? [];
    return [grantee === "" ? "PUBLIC" : grantee, letters];
  });
  return Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const ACL_QUERY = `select
  (select coalesce(datacl, acldefault('d', datdba))::text[] from pg_database where datname = current_database()) as database,
  (select coalesce(nspacl, acldefault('n', nspowner))::text[] from pg_namespace where nspname = 'public') as schema,
  (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'public') as schema_owner,
  (select array_agg(distinct item) from pg_default_acl d, unnest(d.defaclacl::text[]) item where d.defaclrole = $1::regrole and d.defaclnamespace = 0 and d.defaclobjtype = 'r') as tables,
  (select array_agg(distinct item) from pg_default_acl d, unnest(d.defaclacl::text[]) item where d.defaclrole = $1::regrole and d.defaclnamespace = 0 and d.defaclobjtype = 'S') as sequences`;

const without = (grants: JsonObject, name: string): JsonObject => Object.fromEntries(Object.entries(grants).filter(([key]) => key !== name));

const seeGrants: Seen = async (found, request) => {
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
  };
  return { status: "present", facts };
};

/** Everything anew in one transaction: what somebody added goes, what is missing comes. */
const grantStatements = async (found: Database, spec: GrantSpec): Promise<readonly string[]> => {
  const database = quoteName(spec.database);
  const [owner, rw, ro] = [quoteName(spec.owner), quoteName(spec.rw), quoteName(spec.ro)];
  const [row = {} as Row] = await found.query(ACL_QUERY, [owner]);
  const strangers = (items: unknown): readonly string[] =>
    Object.keys(toGrants(items)).filter((name) => name !== "PUBLIC" && ![spec.owner, spec.rw, spec.ro].includes(name)).map(quoteName);
  return [
    ...["public", ...strangers(row["database"]), rw, ro].map((name) => `revoke all on database ${database} from ${name}`),
    `grant connect on database ${database} to ${rw}, ${ro}`,
    `grant all on database ${database} to ${owner}`,
    `alter schema public owner to ${owner}`,
    ...["public", ...strangers(row["schema"]), rw, ro].map((name) => `revoke all on schema public from ${name}`),
    `grant all on schema public to ${owner}`,
    `grant usage on schema public to ${rw}, ${ro}`,
    ...["tables", "sequences"].flatMap((objects) => ["public", ...strangers(row[objects]), rw, ro].map((name) => `alter default privileges for role ${owner} revoke all on ${objects} from ${name}`)),
    `alter default privileges for role ${owner} grant select, insert, update, delete on tables to ${rw}`,
    `alter default privileges for role ${owner} grant select on tables to ${ro}`,
    `alter default privileges for role ${owner} grant usage, select, update on sequences to ${rw}`,
    `alter default privileges for role ${owner} grant select on sequences to ${ro}`,
    `grant select, insert, update, delete on all tables in schema public to ${rw}`,
    `grant select on all tables in schema public to ${ro}`,
    `grant usage, select, update on all sequences in schema public to ${rw}`,
    `grant select on all sequences in schema public to ${ro}`,
  ];
};

const inTransaction = async (found: Database, statements: readonly string[]): Promise<void> => {
  await found.query("begin");
  try {
    for (const statement of statements) await found.query(statement);
    await found.query("commit");
  } catch (error) {
    await found.query("rollback").catch(() => {});
    throw error;
  }
};

const applyGrants = async (tools: PostgresTools, request: ApplyRequest): Promise<JsonObject> => {
  const spec = request.resource.spec as JsonObject & GrantSpec;
  await inServer(tools, spec.machine, spec.database, async (found) => inTransaction(found, await grantStatements(found, spec)));
  return {};
};

// Migrations

const TABLE = "create table if not exists public.croft_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())";

const readApplied = async (found: Database): Promise<ReadonlyMap<string, string>> => {
  const [there] = await found.query("select to_regclass('public.croft_migrations') is not null as there");
  if (there?.["there"] !== true) return new Map();
  const rows = await found.query("select name, sha256 from public.croft_migrations order by name");
  return new Map(rows.map((row) => [text(row["name"]), text(row["sha256"])]));
};

/** Newer rows than the release knows are no difference: going back to an older release keeps the schema. */
const seeMigrations: Seen = async (found, request) => {
  const spec = specOf(request);
  const wanted = Object.keys((spec["applied"] ?? {}) as JsonObject);
  const applied = await readApplied(found);
  const facts = Object.fromEntries(wanted.flatMap((name) => (applied.has(name) ? [[name, (applied.get(name) ?? "").slice(0, 16)]] : [])));
  return { status: "present", facts: { machine: spec["machine"] ?? "", database: spec["database"] ?? "", owner: spec["owner"] ?? "", applied: facts } };
};

/** Any number, the same for every croft: two runs never migrate one database together. */
const LOCK = 7_263_549;

const migrate = async (found: Database, owner: string, migration: Migration): Promise<void> => {
  await found.query("begin");
  try {
    await found.query(`set local role ${quoteName(owner)}`);
    await found.query(migration.sql);
    await found.query(TABLE);
    await found.query("insert into public.croft_migrations (name, sha256) values ($1, $2)", [migration.name, migration.sha256]);
    await found.query("commit");
  } catch (error) {
    await found.query("rollback").catch(() => {});
    throw new CroftError("DATABASE", `migration ${migration.name} failed; the database is as it was before it`, {
      cause: error,
      hint: "fix the migration and run `croft up` again",
    });
  }
};

const applyMigrations = async (tools: PostgresTools, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, database, owner } = request.resource.spec as { machine: string; database: string; owner: string };
  const { migrations } = request.resource.payload as { migrations: readonly Migration[] };
  await inServer(tools, machine, database, async (found) => {
    await found.query("select pg_advisory_lock($1)", [LOCK]);
    const applied = await readApplied(found);
    const changed = migrations.find(({ name, sha256 }) => applied.has(name) && applied.get(name) !== sha256);
    if (changed !== undefined) {
      throw new CroftError("DATABASE", `migration ${changed.name} was applied and has changed since`, { hint: "an applied migration never changes: put it back as it was and write a new one" });
    }
    for (const migration of migrations) {
      if (applied.has(migration.name)) continue;
      request.progress(migration.name);
      await migrate(found, owner, migration);
    }
  });
  return {};
};

const server = (): string => "postgres";
const itsDatabase = (spec: JsonObject): string => text(spec["database"]);

export const makePostgresDrivers = (tools: PostgresTools): readonly Driver[] => [
  { kind: "postgres-role", observe: observeIn(tools, server, seeRole(tools)), apply: (request) => applyRole(tools, request), remove: (request) => removeRole(tools, request) },
  { kind: "postgres-database", observe: observeIn(tools, server, seeDatabase), apply: (request) => applyDatabase(tools, request), remove: (request) => removeDatabase(tools, request) },
  { kind: "postgres-grants", observe: observeIn(tools, itsDatabase, seeGrants), apply: (request) => applyGrants(tools, request), remove: async () => {} },
  { kind: "migrations", observe: observeIn(tools, itsDatabase, seeMigrations), apply: (request) => applyMigrations(tools, request), remove: async () => {} },
];
