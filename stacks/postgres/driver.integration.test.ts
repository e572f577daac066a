/** Against a real server with croft's own configuration: what is made, what drift shows, what is repaired. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Migration } from "../../provisioner/model/contribution.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import type { Row } from "./client.ts";
import { findServer, makeCluster } from "./testing/cluster.fixture.ts";
import type { Cluster } from "./testing/cluster.fixture.ts";
import { insideServer, migration } from "./testing/model.fixture.ts";
import type { Rotations } from "./testing/model.fixture.ts";
import { makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const programs = findServer();
const FIRST = migration(
  "0001_item",
  "create table item (id serial primary key, name text); -- begin;\ninsert into item (name) values ('one; commit;');",
);
const SECOND = migration("0002_note", "create table note (id serial primary key, body text);");
const passwords: Readonly<Record<string, string>> = { "postgres/shop/rw": "rwPassword1" };
const passwordOf = (secret: string): string => passwords[secret] ?? `of-${secret.replaceAll("/", "-")}`;

describe.skipIf(programs === undefined)(
  programs === undefined ? "a real PostgreSQL (skipped: needs root and a server under /usr/lib/postgresql)" : "a real PostgreSQL",
  () => {
    let cluster: Cluster;
    let rig: Rig;

    const differences = (migrations: readonly Migration[] = [FIRST], rotations: Rotations = {}) => rig.differences(migrations, rotations);
    const applyAll = (resources: readonly Resource[]) => rig.applyAll(resources);
    const asRoot = (sql: string, database?: string) => rig.asRoot(sql, database);

    const repair = async (): Promise<void> => {
      const wrong = await differences();
      await applyAll(insideServer([FIRST]).filter(({ id }) => id in wrong));
    };

    /** As an app does: over TLS, with a password. */
    const asApp = async (
      user: string,
      database: string,
      sql: string,
      password = passwordOf(`postgres/${user.replace("_", "/")}`),
    ): Promise<readonly Row[]> => {
      const client = new pg.Client({ host: "127.0.0.1", port: cluster.port, user, password, database, ssl: { rejectUnauthorized: false } });
      await client.connect();
      try {
        return (await client.query<Row>(sql)).rows;
      } finally {
        await client.end();
      }
    };

    beforeAll(async () => {
      cluster = await makeCluster(programs as string);
      rig = makeRig(cluster, passwordOf);
    });
    afterAll(() => cluster.destroy());

    test("what is missing is absent, is made, and is then as wanted", async () => {
      const resources = insideServer([FIRST]);
      expect(Object.values(await differences())).toEqual(resources.map(() => "absent"));
      await applyAll(resources);
      expect(await differences()).toEqual({});
    });

    test("applying again changes nothing", async () => {
      const look = () =>
        asRoot(
          "select (select array_agg(c.xmin::text order by c.oid) from pg_class c) as classes, (select array_agg(datacl::text order by oid) from pg_database) as grants",
          "shop",
        );
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
      expect(await asApp("shop_rw", "shop", "select name from croft_migrations order by name")).toEqual([
        { name: "0001_item" },
        { name: "0002_note" },
      ]);
      await expect(asApp("shop_rw", "shop", "delete from croft_migrations")).rejects.toThrow(
        "permission denied for table croft_migrations",
      );
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
      const left = await asRoot(
        "select count(*)::int as count from pg_stat_activity where application_name = 'croft' and pid <> pg_backend_pid()",
      );
      expect(left).toEqual([{ count: 0 }]);
    });

    const drifts: readonly {
      readonly what: string;
      readonly sql: string;
      readonly database?: string;
      readonly shown: Readonly<Record<string, unknown>>;
    }[] = [
      {
        what: "a role made superuser",
        sql: "alter role shop_ro superuser",
        shown: { "postgres-role/shop_ro": [{ path: "superuser", from: true, to: false }] },
      },
      {
        what: "a role that passes row security",
        sql: "alter role shop_ro bypassrls replication",
        shown: {
          "postgres-role/shop_ro": [
            { path: "replication", from: true, to: false },
            { path: "bypassRowSecurity", from: true, to: false },
          ],
        },
      },
      {
        what: "a role made a member of another",
        sql: "grant shop_owner to shop_ro",
        shown: {
          "postgres-role/shop_owner": [{ path: "members", from: ["shop_ro"], to: [] }],
          "postgres-role/shop_ro": [{ path: "memberOf", from: ["shop_owner"], to: [] }],
        },
      },
      {
        what: "a password that changed",
        sql: "alter role shop_rw password 'another'",
        shown: { "postgres-role/shop_rw": [{ path: "password", from: "another one", to: expect.any(String) as unknown }] },
      },
      {
        what: "a password that went",
        sql: "alter role shop_rw password null",
        shown: { "postgres-role/shop_rw": [{ path: "password", from: "another one", to: expect.any(String) as unknown }] },
      },
      {
        what: "another owner of a database",
        sql: "alter database shop owner to postgres",
        shown: {
          "postgres-database/shop": [{ path: "owner", from: "postgres", to: "shop_owner" }],
          "postgres-grants/shop": [
            { path: "connect.postgres", from: "CTc" },
            { path: "connect.shop_owner", to: "CTc" },
          ],
        },
      },
      {
        what: "a database open to all",
        sql: "grant connect on database shop to public",
        shown: { "postgres-grants/shop": [{ path: "connect.PUBLIC", from: "c" }] },
      },
      {
        what: "a database open to a stranger",
        sql: "grant connect on database shop to other_rw",
        shown: { "postgres-grants/shop": [{ path: "connect.other_rw", from: "c" }] },
      },
      {
        what: "a schema open to all",
        sql: "grant create on schema public to public",
        database: "shop",
        shown: { "postgres-grants/shop": [{ path: "schema.PUBLIC", from: "C" }] },
      },
      {
        what: "a privilege that was passed on",
        sql: 'create role "odd-""name" nologin; grant usage on schema public to "odd-""name" with grant option; set role "odd-""name"; grant usage on schema public to other_ro',
        database: "shop",
        shown: {
          "postgres-grants/shop": [
            { path: 'schema.odd-"name', from: "U*" },
            { path: "schema.other_ro", from: "U" },
          ],
        },
      },
      {
        what: "a default privilege that went",
        sql: "alter default privileges for role shop_owner revoke select on tables from shop_ro",
        database: "shop",
        shown: { "postgres-grants/shop": [{ path: "tables.shop_ro", to: "r" }] },
      },
      {
        what: "a default privilege too many",
        sql: "alter default privileges for role shop_owner grant truncate on tables to shop_rw",
        database: "shop",
        shown: { "postgres-grants/shop": [{ path: "tables.shop_rw", from: "arwdD", to: "arwd" }] },
      },
      {
        what: "a default privilege in the schema alone",
        sql: "alter default privileges for role shop_owner in schema public grant select on tables to other_ro",
        database: "shop",
        shown: { "postgres-grants/shop": [{ path: "tables.other_ro", from: "r" }] },
      },
      {
        what: "a default privilege on functions",
        sql: "alter default privileges for role shop_owner grant execute on functions to other_ro",
        database: "shop",
        shown: { "postgres-grants/shop": [{ path: "functions.other_ro", from: "X" }] },
      },
      {
        what: "a record of migrations that the app may write",
        sql: "grant insert, update, delete on croft_migrations to shop_rw",
        database: "shop",
        shown: { "migrations/shop": [{ path: "readers.shop_rw", from: "arwd", to: "r" }] },
      },
      {
        what: "another owner of the schema",
        sql: "alter schema public owner to other_owner",
        database: "shop",
        shown: {
          "postgres-grants/shop": [
            { path: "schema.other_owner", from: "UC" },
            { path: "schema.shop_owner", to: "UC" },
          ],
        },
      },
      {
        what: "a migration nobody remembers",
        sql: "delete from croft_migrations where name = '0001_item'; drop table item",
        database: "shop",
        shown: { "migrations/shop": [{ path: "applied.0001_item", to: expect.any(String) as unknown }] },
      },
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
      expect(wrong["postgres-grants/shop"]).toEqual(
        ["connect", "schema", "tables", "sequences", "functions"].map(
          (place) => expect.objectContaining({ path: `${place}.shop_ro` }) as unknown,
        ),
      );
      await repair();
      expect(await differences()).toEqual({});
      expect(await asApp("shop_ro", "shop", "select name from item")).toEqual([{ name: "one; commit;" }]);
    });

    test("a secret that was rotated is a difference until it is applied", async () => {
      // After an even turn it is the same role again.
      const rotated = { "postgres/shop/rw": 2 };
      expect(passwordOf("postgres/shop/rw")).toBe("rwPassword1");
      (passwords as Record<string, string>)["postgres/shop/rw"] = "rwPassword2";
      expect(Object.keys(await differences([FIRST], rotated))).toEqual(["postgres-role/shop_rw"]);
      await applyAll(insideServer([FIRST], rotated).filter(({ id }) => id === "postgres-role/shop_rw"));
      expect(await differences([FIRST], rotated)).toEqual({});
      await expect(asApp("shop_rw", "shop", "select 1", "rwPassword1")).rejects.toThrow("password authentication failed");
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
      await expect(applyAll(insideServer([]))).rejects.toMatchObject({ transient: true });
      cluster.start();
      expect(await differences([FIRST], { "postgres/shop/rw": 2 })).toEqual({});
    });

    test("what is no longer wanted is removed, twice without an error", async () => {
      const removal = [...insideServer([FIRST])].reverse();
      for (const resource of [...removal, ...removal]) await rig.remove(resource);
      expect(new Set(Object.values(await differences()))).toEqual(new Set(["absent"]));
    });
  },
);
