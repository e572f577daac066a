/** Migrations: each once, in order, in a transaction of its own, as the database's owner. */
import { isDeepStrictEqual } from "node:util";
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { Migration } from "../../provisioner/model/contribution.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import { quoteName } from "./client.ts";
import type { Database } from "./client.ts";
import { toGrants, without } from "./privileges.ts";
import { inTransaction, observeIn, specOf, textOf } from "./server.ts";
import type { See, Servers } from "./server.ts";

const TABLE =
  "create table if not exists public.croft_migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())";

const readApplied = async (found: Database): Promise<ReadonlyMap<string, string>> => {
  const [there] = await found.query("select to_regclass('public.croft_migrations') is not null as there");
  if (there?.["there"] !== true) return new Map();
  const rows = await found.query("select name, sha256 from public.croft_migrations order by name");
  return new Map(rows.map((row) => [textOf(row["name"]), textOf(row["sha256"])]));
};

const READERS =
  "select relacl::text[] as items, pg_get_userbyid(relowner) as owner from pg_class where oid = to_regclass('public.croft_migrations')";

/** Who but its owner may do what with the table; undefined where there is none yet. */
const readReaders = async (found: Database): Promise<JsonObject | undefined> => {
  const [row] = await found.query(READERS);
  return row === undefined ? undefined : without(toGrants(row["items"]), textOf(row["owner"]));
};

/** Newer rows than the release knows are no difference: going back to an older release keeps the schema. */
const seeMigrations: See = async (found, request) => {
  const spec = specOf(request);
  const wanted = Object.keys((spec["applied"] ?? {}) as JsonObject);
  const applied = await readApplied(found);
  const facts = Object.fromEntries(wanted.flatMap((name) => (applied.has(name) ? [[name, (applied.get(name) ?? "").slice(0, 16)]] : [])));
  return {
    status: "present",
    facts: {
      machine: spec["machine"] ?? "",
      database: spec["database"] ?? "",
      owner: spec["owner"] ?? "",
      readers: (await readReaders(found)) ?? spec["readers"] ?? {},
      applied: facts,
    },
  };
};

const NO_STATEMENT = /\$([A-Za-z_]*)\$[^]*?\$\1\$|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[^]*?\*\//g;
const TRANSACTION = /^\s*(begin|start\s+transaction|commit|rollback|abort)\s*(work|transaction)?\s*$/i;

/** A file that ends the transaction around it could not be undone where its second half fails. */
const endsTransaction = ({ sql }: Migration): boolean =>
  sql
    .replaceAll(NO_STATEMENT, " ")
    .split(";")
    .some((statement) => TRANSACTION.test(statement));

const refuse = (message: string, hint: string): never => {
  throw new CroftError("DATABASE", message, { hint });
};

/** What is still to be applied. Refuses before anything is. */
const findPending = (migrations: readonly Migration[], applied: ReadonlyMap<string, string>): readonly Migration[] => {
  const changed = migrations.find(({ name, sha256 }) => applied.has(name) && applied.get(name) !== sha256);
  if (changed !== undefined)
    refuse(
      `migration ${changed.name} was applied and has changed since`,
      "an applied migration never changes: put it back as it was and write a new one",
    );
  const pending = migrations.filter(({ name }) => !applied.has(name));
  const loose = pending.find(endsTransaction);
  if (loose !== undefined)
    refuse(
      `migration ${loose.name} begins or ends a transaction`,
      "take out BEGIN and COMMIT: croft runs each migration in one transaction",
    );
  return pending;
};

/** Without an answer nobody knows on which side of the commit the connection was lost. */
const failed = ({ name }: Migration, cause: unknown): CroftError =>
  cause instanceof CroftError && cause.transient
    ? new CroftError("DATABASE", `the connection was lost during migration ${name}; it is there as a whole or not at all`, {
        cause,
        hint: "run `croft up` again: it looks first",
      })
    : new CroftError("DATABASE", `migration ${name} failed; the database is as it was before it`, {
        cause,
        hint: "fix the migration and run `croft up` again",
      });

const migrate = async (found: Database, owner: string, migration: Migration): Promise<void> => {
  const asOwner = `set local role ${quoteName(owner)}`;
  try {
    await inTransaction(found, async () => {
      await found.query(asOwner);
      await found.query(migration.sql);
      await found.query(asOwner);
      await found.query(TABLE);
      await found.query("insert into public.croft_migrations (name, sha256) values ($1, $2)", [migration.name, migration.sha256]);
    });
  } catch (cause) {
    throw failed(migration, cause);
  }
  // A search path that one migration set is not the next one's.
  await found.query("reset all");
};

/** Any number, the same for every croft: two runs never migrate one database together. */
const LOCK = 7_263_549;

/** The app reads what was applied; were it to write there, croft would believe it. */
const protectLog = async (found: Database, wanted: JsonObject): Promise<void> => {
  const known = await readReaders(found);
  if (known === undefined || isDeepStrictEqual(known, wanted)) return;
  const readers = Object.keys(wanted);
  const names = [...new Set([...Object.keys(known), ...readers])].map((name) => (name === "PUBLIC" ? "public" : quoteName(name)));
  await found.query(`revoke all on public.croft_migrations from ${names.join(", ")} cascade`);
  await found.query(`grant select on public.croft_migrations to ${readers.map(quoteName).join(", ")}`);
};

const applyMigrations = async (servers: Servers, request: ApplyRequest): Promise<JsonObject> => {
  const { machine, database, owner, readers } = request.resource.spec as {
    machine: string;
    database: string;
    owner: string;
    readers: JsonObject;
  };
  const { migrations } = request.resource.payload as { migrations: readonly Migration[] };
  await servers.change(machine, database, async (found) => {
    await found.query("select pg_advisory_lock($1)", [LOCK]);
    for (const migration of findPending(migrations, await readApplied(found))) {
      request.progress(migration.name);
      await migrate(found, owner, migration);
    }
    await inTransaction(found, () => protectLog(found, readers));
  });
  return {};
};

export const makeMigrationDriver = (servers: Servers): Driver => ({
  kind: "migrations",
  observe: observeIn(servers, (spec) => textOf(spec["database"]), seeMigrations),
  apply: (request) => applyMigrations(servers, request),
  // A schema goes with its database.
  remove: async () => {},
});
