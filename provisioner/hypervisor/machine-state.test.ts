import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stateFact } from "./machine-driver.ts";

type Paths = Parameters<typeof stateFact>[0];
let folder: string;
let paths: Paths;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-state-"));
  const pid = join(folder, "pid");
  const stat = await readFile("/proc/self/stat", "utf8");
  await writeFile(pid, `${process.pid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""}\n`);
  paths = { pid } as Paths;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Answers nothing so many times, then that it runs. */
const answeringAfter = (silences: number) => {
  let looks = 0;
  return { info: async () => ((looks += 1) > silences ? "Running" : undefined) };
};

test("a hypervisor that does not listen yet is asked again", async () => {
  expect(await stateFact(paths, answeringAfter(2))).toBe("running");
});

test("one that stays silent is unresponsive", async () => {
  expect(await stateFact(paths, answeringAfter(1000), 150)).toBe("unresponsive");
});

test("without its process it is stopped, and nobody is asked", async () => {
  const gone = { pid: join(folder, "none") } as Paths;
  expect(await stateFact(gone, answeringAfter(0))).toBe("stopped");
});
