/** Migrations on a real server: in order, once, whole or not at all. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorChain } from "../../provisioner/errors.ts";
import type { Migration } from "../../provisioner/model/contribution.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { findServer, makeCluster } from "./testing/cluster.fixture.ts";
import type { Cluster } from "./testing/cluster.fixture.ts";
import { insideServer, migration } from "./testing/model.fixture.ts";
import { makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const programs = findServer();
const FIRST = migration("0001_item", "create table item (id serial primary key)");

describe.skipIf(programs === undefined)(
  programs === undefined ? "migrations (skipped: needs root and a server under /usr/lib/postgresql)" : "migrations",
  () => {
    let cluster: Cluster;
    let rig: Rig;

    beforeAll(async () => {
      cluster = await makeCluster(programs as string);
      rig = makeRig(cluster, (secret) => secret.replaceAll("/", ""));
      await rig.applyAll(insideServer([FIRST]));
    });
    afterAll(() => cluster.destroy());

    const migrate = async (...list: readonly Migration[]): Promise<readonly string[]> => {
      const told: string[] = [];
      const resource = insideServer(list).find(({ id }) => id === "migrations/shop") as Resource;
      await rig.apply(resource, (text) => told.push(text));
      return told;
    };

    test("a failing migration rolls back and leaves the others", async () => {
      const third = migration("0003_third", "set search_path = pg_catalog; create table public.third ()");
      const broken = migration("0004_broken", "create table half (); select 1 / 0;");
      const error = await migrate(FIRST, third, broken).catch((cause: unknown) => cause);
      expect(errorChain(error)).toEqual([
        "migration 0004_broken failed; the database is as it was before it",
        "a query to PostgreSQL on machine data: division by zero",
        "division by zero",
      ]);
      expect(await rig.asRoot("select to_regclass('third')::text as third, to_regclass('half') as half", "shop")).toEqual([
        { third: "third", half: null },
      ]);
      const fixed = migration("0004_broken", "create table whole ()");
      expect(await migrate(FIRST, third, fixed)).toEqual(["0004_broken"]);
      expect(await rig.asRoot("select tableowner from pg_tables where tablename = 'whole' and schemaname = 'public'", "shop")).toEqual([
        { tableowner: "shop_owner" },
      ]);
    });

    test("a migration that was applied and changed is refused by name", async () => {
      await expect(migrate(migration("0001_item", "create table item ()"))).rejects.toThrow(
        "migration 0001_item was applied and has changed since",
      );
      expect(await rig.differences([migration("0001_item", "create table item ()")])).toHaveProperty(["migrations/shop"]);
    });

    test.each(["create table a (); COMMIT; select 1", "begin;\ncreate table a ();\ncommit;", "/* start */ Start Transaction; select 1"])(
      "a migration with a transaction of its own is refused: %s",
      async (sql) => {
        const before = migration("0008_before", "create table before_it ()");
        await expect(migrate(before, migration("0009_loose", sql))).rejects.toThrow("migration 0009_loose begins or ends a transaction");
        expect(await rig.asRoot("select to_regclass('before_it') as found", "shop")).toEqual([{ found: null }]);
      },
    );

    test("a function's body may begin and end", async () => {
      const body = "create function f() returns int language plpgsql as $body$ begin; return 1; end; $body$;".replace("begin;", "begin");
      expect(
        await migrate(migration("0010_function", `${body} create procedure p() language plpgsql as $$ begin commit; end $$;`)),
      ).toEqual(["0010_function"]);
    });

    test("two runs at once apply each migration once", async () => {
      const slow = ["0011_a", "0012_b", "0013_c"].map((name) => migration(name, `select pg_sleep(0.2); create table t_${name} ()`));
      const told = await Promise.all([migrate(...slow), migrate(...slow)]);
      expect(told.flat().toSorted()).toEqual(["0011_a", "0012_b", "0013_c"]);
    });

    test("a connection lost on the way is told as what it is, and the next run finishes", async () => {
      const slow = migration("0014_slow", "create table slow (); select pg_sleep(1)");
      const lost = expect(migrate(slow)).rejects.toMatchObject({
        message: "the connection was lost during migration 0014_slow; it is there as a whole or not at all",
        transient: false,
      });
      await new Promise((done) => setTimeout(done, 300));
      await rig.asRoot(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(1)%' and pid <> pg_backend_pid()",
      );
      await lost;
      expect(await migrate(slow)).toEqual(["0014_slow"]);
    });
  },
);
