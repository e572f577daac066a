/** kill -9 at points all over a real `up` and a real `destroy`: the next run ends where an undisturbed one does. */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostInventory } from "../inventory.ts";
import { ROOT, copySite, croft, mustCroft } from "./croft.ts";

/** Cycles of one killed `up` and one killed `destroy`. */
const CYCLES = 15;

type Point = { readonly step: string; readonly point: string };

let site = "";
let empty: readonly string[] = [];
let whole: readonly string[] = [];
let upPoints: readonly Point[] = [];
let destroyPoints: readonly Point[] = [];
const matrix: string[] = [];

/** Only names: sizes, times and process ids differ between equal sites, and version ids come from a site's random id. */
const inventory = (): readonly string[] =>
  hostInventory()
    .filter((line) => !/\/(journal\.\d+|state\.json\.\d|events\.json)/.test(line))
    .map((line) => line.replaceAll(/\b[0-9a-f]{12,16}\b/g, "*"))
    .toSorted();

const record = async (words: readonly string[]): Promise<readonly Point[]> => {
  const file = join(tmpdir(), "croft-e2e-points");
  rmSync(file, { force: true });
  const outcome = await croft(words, { environment: { CROFT_FAULT_RECORD: file } });
  expect(outcome.code).toBe(0);
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  rmSync(file);
  return lines.map((line) => ({ step: line.split(" ")[0] ?? "", point: line.split(" ")[1] ?? "" }));
};

/** Evenly spread over all that were passed, so that every kind of step and point has its turn. */
const spread = (points: readonly Point[], count: number): readonly Point[] =>
  Array.from({ length: count }, (_, index) => points[Math.floor(((index + 0.5) * points.length) / count)]).flatMap((point) => point ?? []);

const killed = async (words: readonly string[], { step, point }: Point): Promise<boolean> => {
  const outcome = await croft(words, { environment: { CROFT_FAULT: `${step}:${point}` } });
  return outcome.signal === "SIGKILL";
};

beforeAll(async () => {
  site = copySite("hello");
  await croft(["destroy", "--purge", site]);
  rmSync(ROOT, { recursive: true, force: true });
  empty = hostInventory();
  await mustCroft("up", site);
  await mustCroft("destroy", "--purge", site);
  upPoints = await record(["up", site]);
  whole = inventory();
  destroyPoints = await record(["destroy", "--purge", site]);
});

afterAll(async () => {
  await croft(["destroy", "--purge", site]);
  console.log(`kill -9 on real machines, ${matrix.length} of ${upPoints.length + destroyPoints.length} points:\n${matrix.join("\n")}`);
});

test.each(Array.from({ length: CYCLES }, (_, index) => index))("cycle %i heals", async (index) => {
  const up = spread(upPoints, CYCLES)[index];
  const down = spread(destroyPoints, CYCLES)[index];
  if (up === undefined || down === undefined) throw new Error("no points were recorded");

  // A cycle that failed must not fail the next.
  if (index > 0) await croft(["destroy", "--purge", site]);
  expect(await killed(["up", site], up), `${up.step}:${up.point} was not reached`).toBe(true);
  await mustCroft("up", site);
  expect(inventory()).toEqual(whole);
  expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
  expect((await croft(["smoke", site])).code).toBe(0);
  matrix.push(`  ok  up       ${up.step.padEnd(28)} ${up.point}`);

  expect(await killed(["destroy", "--purge", site], down), `${down.step}:${down.point} was not reached`).toBe(true);
  await mustCroft("destroy", "--purge", site);
  expect(hostInventory()).toEqual(empty);
  matrix.push(`  ok  destroy  ${down.step.padEnd(28)} ${down.point}`);
});

test("destroy right after a killed up stops what was half made", async () => {
  await croft(["destroy", "--purge", site]);
  for (const point of spread(
    upPoints.filter(({ step }) => step.startsWith("machine/")),
    3,
  )) {
    expect(await killed(["up", site], point), `${point.step}:${point.point} was not reached`).toBe(true);
    await mustCroft("destroy", "--purge", site);
    expect(hostInventory(), `after ${point.step}:${point.point}`).toEqual(empty);
  }
});
