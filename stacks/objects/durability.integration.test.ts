/** What a store acknowledged stays, however its process ends: written, killed and read with the real programs. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diskReason, makeDisk, optionsOf } from "../../provisioner/host/testing/disk.fixture.ts";
import { renderMount } from "./render.ts";
import { PROGRAMS, bucketsOf } from "./section.ts";
import { withS3 } from "./store.ts";
import { findLost, openLoad, writeAll } from "./testing/load.fixture.ts";
import type { Load } from "./testing/load.fixture.ts";
import { MODEL } from "./testing/model.fixture.ts";
import { makeInside } from "./testing/inside.fixture.ts";
import { ObjectServer, findProgram, skipReason } from "./testing/server.fixture.ts";

const OBJECTS = Number(process.env["CROFT_OBJECTS"] ?? 10_000);
const KILLS = 5;

/** Of one power cut; a disk that writes everything at once is slower. */
const CUT_OBJECTS = Math.ceil(OBJECTS / 20);
const CUTS = 3;

describe.each(PROGRAMS.map((name) => ({ name, title: `${name} under load${skipReason(name)}` })))("$title", ({ name }) => {
  const program = findProgram(name);
  const skipped = program === undefined;
  const buckets = bucketsOf(MODEL);
  const [media] = buckets;
  if (media === undefined) throw new Error("no bucket");
  let server: ObjectServer;

  beforeAll(async () => {
    if (skipped) return;
    server = await ObjectServer.make(name, program, buckets);
    await server.start();
    await makeInside(server);
  });
  afterAll(() => server?.destroy());

  /** As its unit's `Restart=on-failure`: the guard looks, then the program starts on what it left. */
  const killAt = async (load: Load, count: number): Promise<number> => {
    while (load.written.size < count) await wait(2);
    await server.stop("SIGKILL");
    const began = performance.now();
    await server.start();
    return Math.round(performance.now() - began);
  };

  test.skipIf(skipped)(`keeps all ${OBJECTS} objects that it acknowledged, killed ${KILLS} times`, async ({ annotate }) => {
    const load: Load = { written: new Map(), refused: 0 };
    const s3 = openLoad(server, media);
    const keys = Array.from({ length: OBJECTS }, (_, index) => `kill/${index % 100}/${index}`);
    const began = performance.now();
    const writing = writeAll(s3, media.full, keys, load, () => false);
    const restarts: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) restarts.push(await killAt(load, Math.floor((OBJECTS * kill) / (KILLS + 1))));
    await writing;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    expect(load.written.size).toBe(OBJECTS);
    expect(load.refused).toBeGreaterThan(0);
    expect(await findLost(s3, media.full, load)).toEqual([]);
    const listed = await withS3(server.store, async (all, { listObjects }) => {
      const found = new Set<string>();
      for await (const { key } of listObjects(all, media.full, "kill/")) found.add(key);
      return found;
    });
    expect(keys.filter((key) => !listed.has(key))).toEqual([]);
    s3.destroy();
    await annotate(`${OBJECTS} objects in ${seconds} s, ${load.refused} tried again, answering after ${restarts.join(", ")} ms`);
  });

  test.skipIf(skipped || diskReason() !== "")(`keeps what it acknowledged through ${CUTS} cuts of power${diskReason()}`, async () => {
    const disk = makeDisk(optionsOf(renderMount({ program: name, device: "" })), 1024);
    const cutServer = await ObjectServer.make(name, program ?? "", buckets, disk.folder);
    try {
      await cutServer.start();
      await makeInside(cutServer);
      const load: Load = { written: new Map(), refused: 0 };
      const s3 = openLoad(cutServer, media);
      for (let cut = 1; cut <= CUTS; cut += 1) {
        let dead = false;
        const keys = Array.from({ length: 2 * CUT_OBJECTS }, (_, index) => `cut/${cut}/${index}`);
        const writing = writeAll(s3, media.full, keys, load, () => dead);
        while (load.written.size < cut * CUT_OBJECTS) await wait(2);
        dead = true;
        await cutServer.stop("SIGKILL");
        disk.cut();
        await writing;
        await cutServer.start();
        expect(await findLost(s3, media.full, load)).toEqual([]);
      }
      s3.destroy();
    } finally {
      await cutServer.destroy();
      disk.destroy();
    }
  });
});
