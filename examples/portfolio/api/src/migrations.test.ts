import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXPECTED_SCHEMA } from "./schema-version.ts";
import { type Database, listMigrations, migrate, SKIP_REASON, startDatabase } from "./testing/postgres.ts";

const SITE = join(import.meta.dirname, "../../site/public");

test("the code expects the newest migration, and every up has its down", () => {
  const names = (direction: "up" | "down") => listMigrations(direction).map((file) => file.replace(/\.(up|down)\.sql$/, ""));
  expect(names("up").at(-1)).toBe(EXPECTED_SCHEMA);
  expect(names("down").toReversed()).toEqual(names("up"));
});

describe.skipIf(SKIP_REASON)(`migrations${SKIP_REASON ? ` (${SKIP_REASON})` : ""}`, () => {
  let database: Database;
  beforeAll(async () => void (database = await startDatabase()), 60_000);
  afterAll(() => database.remove());

  const getTables = async (): Promise<string[]> => {
    const { rows } = await database.owner.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1",
    );
    return rows.map((row) => row.relname);
  };
  const getContent = async (): Promise<unknown> => {
    const all = ["profile", "contact", "project", "asset", "spotlight"].map(
      async (table) => (await database.owner.query(`select * from ${table} order by id`)).rows,
    );
    return Promise.all(all);
  };

  test("up, down and up again give the same tables and the same content", async () => {
    await migrate(database.owner, "up");
    const [tables, content] = [await getTables(), await getContent()];
    expect(tables).toEqual(["asset", "contact", "croft_migrations", "object_trash", "profile", "project", "spotlight"]);
    await migrate(database.owner, "down");
    expect(await getTables()).toEqual(["croft_migrations"]);
    const { rows } = await database.owner.query("select proname from pg_proc where pronamespace = 'public'::regnamespace");
    expect(rows).toEqual([]);
    await migrate(database.owner, "up");
    expect(await getTables()).toEqual(tables);
    expect(await getContent()).toEqual(content);
  });

  test("the sample pictures are files of the site, with their size and digest", async () => {
    const { rows } = await database.owner.query("select object_key, size_bytes::int as size, sha256 from asset");
    expect(rows).toHaveLength(22);
    for (const { object_key: key, size, sha256 } of rows) {
      const bytes = readFileSync(join(SITE, String(key).replace("static:", "")));
      expect([bytes.length, createHash("sha256").update(bytes).digest("hex")], key).toEqual([size, sha256]);
    }
  });

  test("objects are remembered when their last name goes, in every way of deleting", async () => {
    const add = (id: number, key: string) =>
      database.owner.query(
        `insert into asset (project_id, object_key, file_name, mime_type, size_bytes, sha256) values ('5eed0000-0000-4000-8000-00000000010${id}', $1, 'a.png', 'image/png', 1, repeat('a', 64))`,
        [key],
      );
    await add(8, "projects/8/one");
    await add(8, "projects/8/two");
    await database.owner.query("delete from asset where object_key = 'projects/8/one'");
    await database.owner.query("delete from project where title = 'Undertow'");
    await database.owner.query("update profile set photo_key = 'profile/first'");
    await database.owner.query("update profile set photo_key = 'profile/second'");
    await database.owner.query("update profile set photo_key = null");
    const { rows } = await database.owner.query("select object_key from object_trash order by 1");
    expect(rows.map((row) => row.object_key)).toEqual(["profile/first", "profile/second", "projects/8/one", "projects/8/two"]);
  });
});
