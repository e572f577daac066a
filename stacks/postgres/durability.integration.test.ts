/** What PostgreSQL acknowledged stays, however it ends: with exactly the configuration that croft writes. */
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { diskReason, makeDisk, optionsOf } from "../../provisioner/host/testing/disk.fixture.ts";
import type { TestDisk } from "../../provisioner/host/testing/disk.fixture.ts";
import { renderMount } from "./render.ts";
import { findServer, makeCluster } from "./testing/cluster.fixture.ts";
import type { Cluster } from "./testing/cluster.fixture.ts";
import { insideServer, migration } from "./testing/model.fixture.ts";
import { makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const ROWS = Number(process.env["CROFT_ROWS"] ?? 5000);
const LANES = 8;
const KILLS = 5;
const CUTS = 3;
/** Before each cut of power. */
const CUT_ROWS = 500;
const TABLES = migration(
  "0001_row",
  "create table row (id bigserial primary key, text text not null); create table lane (lane int primary key, count int not null);",
);

const programs = findServer();
const reason = programs === undefined ? " (skipped: needs root and a server under /usr/lib/postgresql)" : "";

let cluster: Cluster | undefined;
let disk: TestDisk | undefined;
afterEach(() => {
  cluster?.destroy();
  disk?.destroy();
  [cluster, disk] = [undefined, undefined];
});

type Load = {
  /** Acknowledged rows. */
  readonly rows: Map<string, string>;
  /** Of each lane: how often its counter was raised, and whether the last answer never came. */
  readonly lanes: { count: number; doubtful: number }[];
  breaks: number;
};

/** One row and its lane's counter in one transaction, over TLS as an app does. */
const writeOne = async (client: pg.Client, load: Load, number: number): Promise<void> => {
  const lane = load.lanes[number];
  if (lane === undefined) throw new Error("no such lane");
  const text = `${number}-${lane.count}-${"x".repeat((lane.count * 37) % 500)}`;
  lane.doubtful += 1;
  const raise = `insert into lane values (${number}, 1) on conflict (lane) do update set count = lane.count + 1`;
  const answer: unknown = await client.query(`begin; ${raise}; insert into row (text) values ('${text}') returning id; commit`);
  const row = (answer as pg.QueryResult<{ id: string }>[])[2]?.rows[0];
  if (row === undefined) throw new Error("no row");
  load.rows.set(row.id, text);
  lane.count += 1;
  lane.doubtful -= 1;
};

const writeInLane = async (port: number, load: Load, number: number, goOn: () => boolean): Promise<void> => {
  while (goOn()) {
    const client = new pg.Client({
      host: "127.0.0.1",
      port,
      user: "shop_rw",
      password: "of-postgres-shop-rw",
      database: "shop",
      ssl: { rejectUnauthorized: false },
    });
    client.on("error", () => {});
    try {
      await client.connect();
      while (goOn()) await writeOne(client, load, number);
      await client.end();
    } catch {
      load.breaks += 1;
      await wait(20);
    }
  }
};

const makeLoad = (): Load => ({ rows: new Map(), lanes: Array.from({ length: LANES }, () => ({ count: 0, doubtful: 0 })), breaks: 0 });

const writeAll = (port: number, load: Load, goOn: () => boolean): Promise<unknown> =>
  Promise.all(load.lanes.map((_lane, number) => writeInLane(port, load, number, goOn)));

const until = async (ready: () => boolean): Promise<void> => {
  while (!ready()) await wait(2);
};

/** Acknowledged rows that are gone or say something else, and lanes whose counters say what cannot be. */
const findLost = async (rig: Rig, load: Load): Promise<readonly string[]> => {
  const rows = new Map((await rig.asRoot("select id::text, text from row", "shop")).map(({ id, text }) => [id, text]));
  const counts = new Map((await rig.asRoot("select lane, count from lane", "shop")).map(({ lane, count }) => [lane, Number(count)]));
  const lost = [...load.rows].flatMap(([id, text]) => (rows.get(id) === text ? [] : [`row ${id}`]));
  const wrong = load.lanes.flatMap(({ count, doubtful }, lane) => {
    const found = counts.get(lane) ?? 0;
    return found < count || found > count + doubtful ? [`lane ${lane}: ${found}, not ${count} to ${count + doubtful}`] : [];
  });
  return [...lost, ...wrong];
};

const make = async (place?: string): Promise<{ readonly server: Cluster; readonly rig: Rig }> => {
  const server = await makeCluster(programs ?? "", { durable: true, ...(place === undefined ? {} : { place }) });
  cluster = server;
  const rig = makeRig(server, (secret) => `of-${secret.replaceAll("/", "-")}`);
  await rig.applyAll(insideServer([TABLES]));
  return { server, rig };
};

test.skipIf(programs === undefined)(`all of ${ROWS} acknowledged rows are there after ${KILLS} kills${reason}`, async ({ annotate }) => {
  const { server, rig } = await make();
  const settings = await rig.asRoot(
    "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums') order by name",
  );
  expect(settings.map(({ name, setting }) => `${String(name)}=${String(setting)}`)).toEqual([
    "data_checksums=on",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
  ]);
  const load = makeLoad();
  const began = performance.now();
  const writing = writeAll(server.port, load, () => load.rows.size < ROWS);
  const restarts: number[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await until(() => load.rows.size >= (ROWS * kill) / (KILLS + 1));
    await server.kill();
    const killed = performance.now();
    server.start();
    restarts.push(Math.round(performance.now() - killed));
  }
  await writing;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  expect(load.breaks).toBeGreaterThanOrEqual(KILLS);
  expect(await findLost(rig, load)).toEqual([]);
  await annotate(`${load.rows.size} rows in ${seconds} s, ${load.breaks} connections broken, up again after ${restarts.join(", ")} ms`);
});

test.skipIf(programs === undefined || diskReason() !== "")(
  `acknowledged rows are there after ${CUTS} cuts of power${reason === "" ? diskReason() : reason}`,
  async () => {
    const place = makeDisk(optionsOf(renderMount({ device: "/dev/none" })), 1024);
    disk = place;
    const { server, rig } = await make(place.folder);
    const load = makeLoad();
    for (let cut = 1; cut <= CUTS; cut += 1) {
      let power = true;
      const writing = writeAll(server.port, load, () => power);
      await until(() => load.rows.size >= CUT_ROWS * cut);
      power = false;
      await server.kill();
      place.cut();
      await writing;
      server.start();
      expect(await findLost(rig, load)).toEqual([]);
    }
  },
);
