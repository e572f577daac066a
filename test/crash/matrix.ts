/** Kills a real process at every point of every step of a run, then lets the next run finish: any graph, any options. */
import { spawn } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { isEmpty } from "../../provisioner/plan/diff.ts";
import { inventory, readBirths } from "./fake-world.ts";
import { plan, run, settleScene, worldFolder, writeScene } from "./site.ts";
import type { Scene } from "./site.ts";

export type Point = { readonly step: string; readonly point: string };

export type MatrixInput = {
  readonly scene: Scene;
  /** Brings an empty folder to where the run under test begins. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** False where things are replaced: what was half made is then made again. */
  readonly countBirths?: boolean;
  /** What else must hold once a run was killed, seen in a copy of its folder. */
  readonly alsoAfterKill?: (folder: string) => Promise<string | undefined>;
};

/** `problem` is undefined where the next run finished the work and the one after found nothing to do. */
export type Cell = Point & { readonly problem: string | undefined };

/** In memory where there is such a place: a killed process leaves what it wrote either way, and nothing waits for a disk. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

const CHILD = join(import.meta.dirname, "child.ts");

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly said: string };

const runChild = (folder: string, environment: Readonly<Record<string, string>>, killAfterMs?: number): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [CHILD, folder, join(folder, "scene.json")], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", NODE_COMPILE_CACHE: join(tmpdir(), "croft-crash-cache"), ...environment },
    });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    if (killAfterMs !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    child.once("exit", (code, signal) => resolve({ code, signal, said }));
  });

const withFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(SCRATCH, "croft-crash-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}-copy`, { recursive: true, force: true });
  }
};

/** A folder per kill is copied from one that was prepared once, with what a run there desires. */
const begin = (folder: string, base: string): void => cpSync(base, folder, { recursive: true });

const prepareBase = async (base: string, input: MatrixInput): Promise<void> => {
  await input.prepare?.(base);
  await writeScene(join(base, "scene.json"), await settleScene(base, input.scene));
};

type Golden = { readonly things: readonly string[]; readonly births: string };

const goldenOf = (folder: string): Golden => ({
  things: inventory(worldFolder(folder)),
  births: JSON.stringify(readBirths(worldFolder(folder))),
});

/** The next run, and the look after it. */
const converge = async (folder: string, scene: Scene, golden: Golden, countBirths: boolean): Promise<string | undefined> => {
  const result = await run(folder, scene);
  if (result !== undefined && result.failed.length > 0) return `the next run failed: ${String(result.failed[0]?.error)}`;
  const found = goldenOf(folder);
  if (JSON.stringify(found.things) !== JSON.stringify(golden.things))
    return `another inventory: ${found.things.filter((text) => !golden.things.includes(text)).join("; ")} / missing ${golden.things.filter((text) => !found.things.includes(text)).join("; ")}`;
  if (countBirths && found.births !== golden.births) return `other births: ${found.births}`;
  const third = (await plan(folder, scene)).plan;
  return isEmpty(third)
    ? undefined
    : `the third run would ${third.steps
        .filter(({ action }) => action !== "keep")
        .map(({ action, id }) => `${action} ${id}`)
        .join(", ")}`;
};

const killed = async (folder: string, { step, point }: Point): Promise<string | undefined> => {
  const { signal, said, code } = await runChild(folder, { CROFT_FAULT: `${step}:${point}` });
  return signal === "SIGKILL" ? undefined : `was not killed at ${step}:${point} (exit ${code}) ${said}`;
};

/** A step of several runs (phases of a rotation) is killed in the first of them. */
const parsePoints = (text: string): readonly Point[] =>
  [...new Set(text.split("\n"))]
    .filter((line) => line !== "")
    .map((line) => ({ step: line.slice(0, line.indexOf(" ")), point: line.slice(line.indexOf(" ") + 1) }));

/** Every point that an undisturbed run passes, and what it leaves. */
const recordRun = (base: string): Promise<{ readonly points: readonly Point[]; readonly golden: Golden }> =>
  withFolder(async (folder) => {
    begin(folder, base);
    const record = join(folder, "points");
    const { code, said } = await runChild(folder, { CROFT_FAULT_RECORD: record });
    if (code !== 0) throw new Error(`the undisturbed run failed: ${said}`);
    return { points: parsePoints(await readFile(record, "utf8").catch(() => "")), golden: goldenOf(folder) };
  });

const inParallel = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
  return results;
};

const prepared = (input: MatrixInput, work: (base: string) => Promise<readonly Cell[]>): Promise<readonly Cell[]> =>
  withFolder(async (base) => {
    await prepareBase(base, input);
    return work(base);
  });

/** One kill: at every point of every step. */
export const crashMatrix = (input: MatrixInput): Promise<readonly Cell[]> =>
  prepared(input, async (base) => {
    const { points, golden } = await recordRun(base);
    return inParallel(points, (point) =>
      withFolder(async (folder) => {
        begin(folder, base);
        const missed = await killed(folder, point);
        if (missed !== undefined) return { ...point, problem: missed };
        if (input.alsoAfterKill !== undefined) cpSync(folder, `${folder}-copy`, { recursive: true });
        const problem =
          (await converge(folder, input.scene, golden, input.countBirths ?? true)) ?? (await input.alsoAfterKill?.(`${folder}-copy`));
        return { ...point, problem };
      }),
    );
  });

/** Two kills: at every point, and at every point of the run that repairs the first. */
export const crashPairs = (input: MatrixInput): Promise<readonly Cell[]> =>
  prepared(input, async (base) => {
    const { points, golden } = await recordRun(base);
    const rows = await inParallel(points, (first) =>
      withFolder(async (half) => {
        begin(half, base);
        const missed = await killed(half, first);
        if (missed !== undefined) return [{ ...first, problem: missed }];
        await writeScene(join(half, "scene.json"), await settleScene(half, input.scene));
        const second = await recordRun(half);
        const cells: Cell[] = [];
        for (const point of second.points) cells.push(await withFolder((folder) => secondKill(folder, half, input, point, golden)));
        return cells.map((cell) => ({ step: first.step, point: `${first.point} then ${cell.step}:${cell.point}`, problem: cell.problem }));
      }),
    );
    return rows.flat();
  });

const secondKill = async (folder: string, half: string, input: MatrixInput, point: Point, golden: Golden): Promise<Cell> => {
  begin(folder, half);
  return { ...point, problem: (await killed(folder, point)) ?? (await converge(folder, input.scene, golden, true)) };
};

/** Kills from outside, spread over the length of a run. */
export const crashAnywhere = (input: MatrixInput, times: number): Promise<readonly Cell[]> =>
  prepared(input, async (base) => {
    const started = performance.now();
    const { golden } = await recordRun(base);
    const lengthMs = performance.now() - started;
    const delays = Array.from({ length: times }, (_, index) => 40 + (lengthMs * index) / times);
    return inParallel(delays, (delay) =>
      withFolder(async (folder) => {
        begin(folder, base);
        await runChild(folder, {}, delay);
        return { step: "anywhere", point: `${Math.round(delay)} ms`, problem: await converge(folder, input.scene, golden, false) };
      }),
    );
  });

const MARKS = { good: "✓", bad: "✗", none: "·" } as const;

/** Steps down, points across. */
export const printMatrix = (title: string, cells: readonly Cell[]): string => {
  const points = [...new Set(cells.map(({ point }) => point))];
  const rows = Map.groupBy(cells, ({ step }) => step);
  const width = Math.max(...[...rows.keys()].map((id) => id.length));
  const mark = (row: readonly Cell[], point: string): string => {
    const cell = row.find((candidate) => candidate.point === point);
    if (cell === undefined) return MARKS.none;
    return cell.problem === undefined ? MARKS.good : MARKS.bad;
  };
  const good = cells.filter(({ problem }) => problem === undefined).length;
  return [
    `${title}: ${good}/${cells.length} kills converge`,
    `${" ".repeat(width)}  ${points.map((_, index) => String.fromCharCode(97 + index)).join(" ")}   ${points.map((point, index) => `${String.fromCharCode(97 + index)} ${point}`).join(", ")}`,
    ...[...rows].map(([id, row]) => `${id.padEnd(width)}  ${points.map((point) => mark(row, point)).join(" ")}`),
  ].join("\n");
};
