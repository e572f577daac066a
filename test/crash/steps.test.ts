/** Every step of a run done twice, and every step failing once: generic over the graph. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isEmpty } from "../../provisioner/plan/diff.ts";
import { inventory, makeFakeDrivers } from "./fake-world.ts";
import { SITE, hiddenByMachine } from "./graph.ts";
import { makeScene, plan, run, worldFolder } from "./site.ts";

const up = makeScene(SITE, SITE, hiddenByMachine);
const purge = makeScene([], SITE, hiddenByMachine, { destroy: true, purge: true });
const none = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-steps-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(SITE.map((resource) => [resource.id, resource] as const))("%s", (id, resource) => {
  test("applied twice is applied once", async () => {
    await run(folder, up);
    const before = inventory(worldFolder(folder));
    const driver = makeFakeDrivers(worldFolder(folder), [resource.kind]).get(resource.kind);
    const step = { id, kind: resource.kind, host: "metal1", action: "update", reason: "", changes: [], after: [], interrupts: [] } as const;
    await driver?.apply({
      step,
      resource,
      recorded: undefined,
      observed: { status: "present", facts: resource.spec },
      progress: () => {},
      signal: none,
    });
    expect(inventory(worldFolder(folder))).toEqual(before);
    expect(isEmpty((await plan(folder, up)).plan)).toBe(true);
  });

  test("fails once: the run stops, the next one finishes", async () => {
    const failed = await run(folder, up, { failAt: id });
    expect(failed?.failed.map(({ step }) => step.id)).toEqual([id]);
    expect(failed?.done).not.toContain(id);
    expect((await run(folder, up))?.failed).toEqual([]);
    expect(isEmpty((await plan(folder, up)).plan)).toBe(true);
  });

  test("fails once while it is removed", async () => {
    await run(folder, up);
    await run(folder, purge, { failAt: id });
    expect((await run(folder, purge))?.failed ?? []).toEqual([]);
    expect(inventory(worldFolder(folder)).filter((text) => !text.startsWith("image/"))).toEqual([]);
  });
});
