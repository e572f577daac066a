/** What a store acknowledged stays, however its process ends: written, killed and read with the real programs. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diskReason, makeDisk, optionsOf } from "../../provisioner/host/testing/disk.fixture.ts";
import { renderMount } from "./render.ts";
import { PROGRAMS, bucketsOf } from "./section.ts";
import type { ProgramName } from "./section.ts";
import { withS3 } from "./store.ts";
import { Load } from "./testing/load.fixture.ts";
import { MODEL } from "./testing/model.fixture.ts";
import { makeInside } from "./testing/inside.fixture.ts";
import { ObjectServer, findProgram, skipReason } from "./testing/server.fixture.ts";

/** SeaweedFS needs seconds to come back; `npm run fuzz` writes all ten thousand to it too. */
const USUAL: Readonly<Record<ProgramName, number>> = { minio: 10_000, seaweedfs: 2000 };
const countOf = (name: ProgramName): number => Number(process.env["CROFT_OBJECTS"] ?? USUAL[name]);
const KILLS = 5;

/** Before each cut of power. */
const CUT_OBJECTS = 200;
const CUTS = 3;

describe.each(PROGRAMS.map((name) => ({ name, title: `${name} under load${skipReason(name)}` })))("$title", ({ name }) => {
  const count = countOf(name);
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
  const killAt = async (load: Load, reached: number): Promise<number> => {
    while (load.written.size < reached) await wait(2);
    await server.stop("SIGKILL");
    const began = performance.now();
    await server.start();
    return Math.round(performance.now() - began);
  };

  test.skipIf(skipped)(`keeps all ${count} objects that it acknowledged, killed ${KILLS} times`, async ({ annotate }) => {
    const load = new Load(server, media);
    const keys = Array.from({ length: count }, (_, index) => `kill/${index % 100}/${index}`);
    const began = performance.now();
    const writing = load.writeAll(keys, () => false);
    const restarts: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) restarts.push(await killAt(load, Math.floor((count * kill) / (KILLS + 1))));
    await writing;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    expect(load.written.size).toBe(count);
    expect(load.refused).toBeGreaterThan(0);
    expect(await load.findLost()).toEqual([]);
    const listed = await withS3(server.store, async (all, { listObjects }) => {
      const found = new Set<string>();
      for await (const { key } of listObjects(all, media.full, "kill/")) found.add(key);
      return found;
    });
    expect(keys.filter((key) => !listed.has(key))).toEqual([]);
    load.close();
    await annotate(`${count} objects in ${seconds} s, ${load.refused} tried again, answering after ${restarts.join(", ")} ms`);
  });

  test.skipIf(skipped || diskReason() !== "")(`keeps what it acknowledged through ${CUTS} cuts of power${diskReason()}`, async () => {
    const disk = makeDisk(optionsOf(renderMount({ program: name, device: "" })), 1024);
    const cutServer = await ObjectServer.make(name, program ?? "", buckets, disk.folder);
    try {
      await cutServer.start();
      await makeInside(cutServer);
      const load = new Load(cutServer, media);
      for (let cut = 1; cut <= CUTS; cut += 1) {
        let dead = false;
        const keys = Array.from({ length: 2 * CUT_OBJECTS }, (_, index) => `cut/${cut}/${index}`);
        const writing = load.writeAll(keys, () => dead);
        while (load.written.size < cut * CUT_OBJECTS) await wait(2);
        dead = true;
        await cutServer.stop("SIGKILL");
        disk.cut();
        await writing;
        await cutServer.start();
        expect(await load.findLost()).toEqual([]);
      }
      load.close();
    } finally {
      await cutServer.destroy();
      disk.destroy();
    }
  });
});
