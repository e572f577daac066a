/** Against a real server with croft's own configuration: what is made, what drift shows, what is repaired. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorChain } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { Migration } from "../../provisioner/model/contribution.ts";
import { compareSpecs } from "../../provisioner/plan/compare.ts";
import type { Change, Observation, Recorded, Resource, Step } from "../../provisioner/plan/resource.ts";
import { openDatabase } from "./client.ts";
import type { Row } from "./client.ts";
import { makePostgresDrivers } from "./driver.ts";
import { findServer, makeCluster } from "./testing/cluster.fixture.ts";
import type { Cluster } from "./testing/cluster.fixture.ts";
import { insideServer, migration } from "./testing/model.fixture.ts";
import type { Rotations } from "./testing/model.fixture.ts";

const programs = findServer();
const FIRST = migration("0001_item", "create table item (id serial primary key, name text); -- begin;\ninsert into item (name) values ('one; commit;');");
const SECOND = migration("0002_note", "create table note (id serial primary key, body text);");
const passwords: Readonly<Record<string, string>> = { "postgres/shop/rw": "rwPassword1" };
const passwordOf = (secret: string): string => passwords[secret] ?? `of-${secret.replaceAll("/", "-")}`;

describe.skipIf(programs === undefined)(programs === undefined ? "a real PostgreSQL (skipped: needs root and a server under /usr/lib/postgresql)" : "a real PostgreSQL", () => {
  let cluster: Cluster;
  let drivers: ReadonlyMap<string, Driver>;

  const makeDrivers = (): ReadonlyMap<string, Driver> =>
    new Map(makePostgresDrivers({ connect: async () => cluster.shell, secret: async (name) => passwordOf(name) }).map((driver) => [driver.kind, driver]));
  const driverOf = (kind: string): Driver => drivers.get(kind) as Driver;
  const asRoot = async (sql: string, database = "postgres"): Promise<readonly Row[]> => {
    const opened = await openDatabase(cluster.shell, database);
    return opened.query(sql).finally(opened.close);
  };

  const apply = (resource: Resource, progress: (text: string) => void = () => {}) => {
    const step: Step = { id: resource.id, kind: resource.kind, host: "local", action: "update", reason: "", changes: [], after: [], interrupts: [] };
    const request: ApplyRequest = { step, resource, recorded: undefined, observed: { status: "absent" }, progress, signal: new AbortController().signal };
    return driverOf(resource.kind).apply(request);
  };

  const applyAll = async (resources: readonly Resource[]): Promise<void> => {
    for (const resource of resources) await apply(resource);
  };

  const observeAll = async (resources: readonly Resource[]): Promise<ReadonlyMap<string, Observation>> => {
    const kinds = Map.groupBy(resources, ({ kind }) => kind);
    const answers = await Promise.all([...kinds].map(([kind, list]) => driverOf(kind).observe(list.map((resource) => ({ id: resource.id, resource, recorded: undefined })))));
    return new Map(answers.flatMap((answer) => [...answer]));
  };

  type Difference = readonly Change[] | "absent" | "hidden";
  const differences = async (migrations: readonly Migration[] = [FIRST], rotations: Rotations = {}): Promise<Readonly<Record<string, Difference>>> => {
    const resources = insideServer(migrations, rotations);
    const seen = await observeAll(resources);
    const of = (resource: Resource): Difference => {
      const observation = seen.get(resource.id) as Observation;
      return observation.status === "present" ? compareSpecs(observation.facts, resource.spec) : observation.status;
    };
    return Object.fromEntries(resources.map((resource) => [resource.id, of(resource)] as const).filter(([, found]) => found.length > 0));
  };

  const repair = async (): Promise<void> => {
    const wrong = await differences();
    await applyAll(insideServer([FIRST]).filter(({ id }) => id in wrong));
  };

  /** As an app does: over TLS, with a password. */
  const asApp = async (user: string, database: string, sql: string, password = passwordOf(`postgres/${user.replace("_", "/")}`)): Promise<readonly Row[]> => {
    const client = new pg.Client({ host: "127.0.0.1", port: cluster.port, user, password, database, ssl: { rejectUnauthorized: false } });
    await client.connect();
    return client.query(sql).then(({ rows }) => rows as readonly Row[]).finally(() => client.end());
  };

  beforeAll(async () => {
    cluster = await makeCluster(programs as string);
    drivers = makeDrivers();
  });
  afterAll(() => cluster.destroy());

  test("what is missing is absent, is made, and is then as wanted", async () => {
    const resources = insideServer([FIRST]);
    expect(Object.values(await differences())).toEqual(resources.map(() => "absent"));
    await applyAll(resources);
    expect(await differences()).toEqual({});
  });

  test("applying again changes nothing", async () => {
    const look = () => asRoot("select (select array_agg(c.xmin::text order by c.oid) from pg_class c) as classes, (select array_agg(datacl::text order by oid) from pg_database) as grants", "shop");
    const before = await look();
    await applyAll(insideServer([FIRST]).filter(({ kind }) => kind === "postgres-database" || kind === "migrations"));
    expect(await look()).toEqual(before);
    await applyAll(insideServer([FIRST]));
    expect(await differences()).toEqual({});
  });

  test("rw writes, ro only reads, also tables that come later", async () => {
    await applyAll(insideServer([FIRST, SECOND]));
    expect(await differences([FIRST, SECOND])).toEqual({});
    await asApp("shop_rw", "shop", "insert into note (body) values ('hello')");
    expect(await asApp("shop_ro", "shop", "select body from note")).toEqual([{ body: "hello" }]);
    await expect(asApp("shop_ro", "shop", "insert into note (body) values ('no')")).rejects.toThrow("permission denied for table note");
    await expect(asApp("shop_rw", "shop", "create table mine ()")).rejects.toThrow("permission denied for schema public");
    await expect(asApp("shop_rw", "shop", "drop table note")).rejects.toThrow("must be owner");
  });

  test("an older release sees no difference in newer rows", async () => {
    expect(await differences([FIRST])).toEqual({});
  });

  test("another app's role, a wrong password and a connection without TLS stay out", async () => {
    await expect(asApp("other_rw", "shop", "select 1")).rejects.toThrow('permission denied for database "shop"');
    await expect(asApp("shop_rw", "shop", "select 1", "wrong")).rejects.toThrow("password authentication failed");
    const plain = new pg.Client({ host: "127.0.0.1", port: cluster.port, user: "shop_rw", password: "rwPassword1", database: "shop" });
    await expect(plain.connect()).rejects.toThrow("no pg_hba.conf entry");
  });

  test("one look at everything opens one connection for each database", async () => {
    const before = cluster.opened();
    await differences();
    expect(cluster.opened() - before).toBe(3);
    const left = await asRoot("select count(*)::int as count from pg_stat_activity where application_name = 'croft' and pid <> pg_backend_pid()");
    expect(left).toEqual([{ count: 0 }]);
  });

  const drifts: readonly { readonly what: string; readonly sql: string; readonly database?: string; readonly shown: Readonly<Record<string, unknown>> }[] = [
    { what: "a role made superuser", sql: "alter role shop_ro superuser", shown: { "postgres-role/shop_ro": [{ path: "superuser", from: true, to: false }] } },
    { what: "a role that passes row security", sql: "alter role shop_ro bypassrls replication", shown: { "postgres-role/shop_ro": [{ path: "replication", from: true, to: false }, { path: "bypassRowSecurity", from: true, to: false }] } },
    {
      what: "a role made a member of another",
      sql: "grant shop_owner to shop_ro",
      shown: { "postgres-role/shop_owner": [{ path: "members", from: ["shop_ro"], to: [] }], "postgres-role/shop_ro": [{ path: "memberOf", from: ["shop_owner"], to: [] }] },
    },
    { what: "a password that changed", sql: "alter role shop_rw password 'another'", shown: { "postgres-role/shop_rw": [{ path: "password", from: "another one", to: expect.any(String) as unknown }] } },
    { what: "a password that went", sql: "alter role shop_rw password null", shown: { "postgres-role/shop_rw": [{ path: "password", from: "another one", to: expect.any(String) as unknown }] } },
    { what: "another owner of a database", sql: "alter database shop owner to postgres", shown: { "postgres-database/shop": [{ path: "owner", from: "postgres", to: "shop_owner" }], "postgres-grants/shop": [{ path: "connect.postgres", from: "CTc" }, { path: "connect.shop_owner", to: "CTc" }] } },
    { what: "a database open to all", sql: "grant connect on database shop to public", shown: { "postgres-grants/shop": [{ path: "connect.PUBLIC", from: "c" }] } },
    { what: "a database open to a stranger", sql: "grant connect on database shop to other_rw", shown: { "postgres-grants/shop": [{ path: "connect.other_rw", from: "c" }] } },
    { what: "a schema open to all", sql: "grant create on schema public to public", database: "shop", shown: { "postgres-grants/shop": [{ path: "schema.PUBLIC", from: "C" }] } },
    {
      what: "a privilege that was passed on",
      sql: 'create role "odd-""name" nologin; grant usage on schema public to "odd-""name" with grant option; set role "odd-""name"; grant usage on schema public to other_ro',
      database: "shop",
      shown: { "postgres-grants/shop": [{ path: 'schema.odd-"name', from: "U*" }, { path: "schema.other_ro", from: "U" }] },
    },
    { what: "a default privilege that went", sql: "alter default privileges for role shop_owner revoke select on tables from shop_ro", database: "shop", shown: { "postgres-grants/shop": [{ path: "tables.shop_ro", to: "r" }] } },
    { what: "a default privilege too many", sql: "alter default privileges for role shop_owner grant truncate on tables to shop_rw", database: "shop", shown: { "postgres-grants/shop": [{ path: "tables.shop_rw", from: "arwdD", to: "arwd" }] } },
    { what: "another owner of the schema", sql: "alter schema public owner to other_owner", database: "shop", shown: { "postgres-grants/shop": [{ path: "schema.other_owner", from: "UC" }, { path: "schema.shop_owner", to: "UC" }] } },
    { what: "a migration nobody remembers", sql: "delete from croft_migrations where name = '0001_item'; drop table item", database: "shop", shown: { "migrations/shop": [{ path: "applied.0001_item", to: expect.any(String) as unknown }] } },
  ];

  test.each(drifts)("$what is shown exactly and repaired", async ({ sql, database, shown }) => {
    await asRoot(sql, database);
    expect(await differences()).toEqual(shown);
    await repair();
    expect(await differences()).toEqual({});
  });

  test("a role that was dropped comes back with its privileges", async () => {
    for (const database of ["shop", "other"]) await asRoot("drop owned by shop_ro", database);
    await asRoot("drop role shop_ro");
    const wrong = await differences();
    expect(wrong["postgres-role/shop_ro"]).toBe("absent");
    expect(wrong["postgres-grants/shop"]).toEqual(["connect", "schema", "tables", "sequences"].map((place) => expect.objectContaining({ path: `${place}.shop_ro` }) as unknown));
    await repair();
    expect(await differences()).toEqual({});
    expect(await asApp("shop_ro", "shop", "select name from item")).toEqual([{ name: "one; commit;" }]);
  });

  test("a secret that was rotated is a difference until it is applied", async () => {
    const rotated = { "postgres/shop/rw": 1 };
    expect(passwordOf("postgres/shop/rw")).toBe("rwPassword1");
    (passwords as Record<string, string>)["postgres/shop/rw"] = "rwPassword2";
    expect(Object.keys(await differences([FIRST], rotated))).toEqual(["postgres-role/shop_rw"]);
    await applyAll(insideServer([FIRST], rotated).filter(({ id }) => id === "postgres-role/shop_rw"));
    expect(await differences([FIRST], rotated)).toEqual({});
    await expect(asApp("shop_rw", "shop", "select 1", "rwPassword1")).rejects.toThrow("password authentication failed");
  });

  const migrate = async (...list: readonly Migration[]): Promise<readonly string[]> => {
    const told: string[] = [];
    const resource = insideServer(list).find(({ id }) => id === "migrations/shop") as Resource;
    await apply(resource, (text) => told.push(text));
    return told;
  };

  test("a failing migration rolls back and leaves the others", async () => {
    const third = migration("0003_third", "set search_path = pg_catalog; create table public.third ()");
    const broken = migration("0004_broken", "create table half (); select 1 / 0;");
    const error = await migrate(FIRST, third, broken).catch((cause: unknown) => cause);
    expect(errorChain(error)).toEqual(["migration 0004_broken failed; the database is as it was before it", "a query to PostgreSQL on machine data: division by zero", "division by zero"]);
    expect(await asRoot("select to_regclass('third')::text as third, to_regclass('half') as half", "shop")).toEqual([{ third: "third", half: null }]);
    const fixed = migration("0004_broken", "create table whole ()");
    expect(await migrate(FIRST, third, fixed)).toEqual(["0004_broken"]);
    expect(await asRoot("select tableowner from pg_tables where tablename = 'whole' and schemaname = 'public'", "shop")).toEqual([{ tableowner: "shop_owner" }]);
  });

  test("a migration that was applied and changed is refused by name", async () => {
    await expect(migrate(migration("0001_item", "create table item ()"))).rejects.toThrow("migration 0001_item was applied and has changed since");
    expect(await differences([migration("0001_item", "create table item ()")])).toHaveProperty(["migrations/shop"]);
  });

  test.each(["create table a (); COMMIT; select 1", "begin;\ncreate table a ();\ncommit;", "/* start */ Start Transaction; select 1"])("a migration with a transaction of its own is refused: %s", async (sql) => {
    const before = migration("0008_before", "create table before_it ()");
    await expect(migrate(before, migration("0009_loose", sql))).rejects.toThrow("migration 0009_loose begins or ends a transaction");
    expect(await asRoot("select to_regclass('before_it') as found", "shop")).toEqual([{ found: null }]);
  });

  test("a function's body may begin and end", async () => {
    const body = "create function f() returns int language plpgsql as $body$ begin; return 1; end; $body$;".replace("begin;", "begin");
    expect(await migrate(migration("0010_function", `${body} create procedure p() language plpgsql as $$ begin commit; end $$;`))).toEqual(["0010_function"]);
  });

  test("two runs at once apply each migration once", async () => {
    const slow = ["0011_a", "0012_b", "0013_c"].map((name) => migration(name, `select pg_sleep(0.2); create table t_${name} ()`));
    const told = await Promise.all([migrate(...slow), migrate(...slow)]);
    expect(told.flat().toSorted()).toEqual(["0011_a", "0012_b", "0013_c"]);
  });

  test("croft's own work leaves no password in the server's log", async () => {
    await asRoot("alter system set log_statement = 'all'");
    await asRoot("select pg_reload_conf()");
    await applyAll(insideServer([FIRST]).filter(({ kind }) => kind === "postgres-role"));
    const [log] = await asRoot(`select pg_read_file('${cluster.folder}/log') as text`);
    expect(String(log?.["text"])).toContain("SCRAM-SHA-256$4096:");
    expect(String(log?.["text"])).not.toContain("rwPassword");
    await asRoot("alter system reset all");
  });

  test("a server that stops hides everything and loses nothing", async () => {
    await asRoot("alter database shop owner to shop_owner");
    cluster.stop();
    expect(new Set(Object.values(await differences()))).toEqual(new Set(["hidden"]));
    await expect(apply(insideServer([])[0] as Resource)).rejects.toMatchObject({ transient: true });
    cluster.start();
    expect(await differences([FIRST], { "postgres/shop/rw": 1 })).toEqual({});
  });

  test("what is no longer wanted is removed, twice without an error", async () => {
    const removal = [...insideServer([FIRST])].reverse();
    for (const resource of [...removal, ...removal]) {
      const recorded: Recorded = { ...resource, output: {}, status: "active" };
      const step: Step = { id: resource.id, kind: resource.kind, host: "local", action: "remove", reason: "", changes: [], after: [], interrupts: [] };
      await driverOf(resource.kind).remove({ step, recorded, progress: () => {}, signal: new AbortController().signal });
    }
    expect(new Set(Object.values(await differences()))).toEqual(new Set(["absent"]));
  });
});
