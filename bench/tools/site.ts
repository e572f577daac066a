/** Copies of the example sites with a root, names and a network of their own, and croft run on them. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Io } from "../../bin/main.ts";
import { runProgram } from "./process.ts";
import type { Finished } from "./process.ts";

export const PROJECT = join(import.meta.dirname, "..", "..");
/** State and sockets; short, since socket paths are. The cache is the host's own. */
export const ROOT = "/tmp/croft-bench";
/** Of every site here; only one stands at a time. */
const NETWORK = "10.93.0.0/16";
/** What the first and only host and machine of a site get in that network. */
export const HOST_ADDRESS = "10.93.0.1";
const SITES = join(PROJECT, "test", ".sites");
const EXAMPLES = ["hello", "portfolio"] as const;

export type Example = (typeof EXAMPLES)[number];

const environment = { CROFT_ROOT: ROOT, NO_COLOR: "1" };

const folderOf = (example: Example): string => join(SITES, `bench-${example}`);

/** Below the project, so that builds find their packages. */
const copyExample = (example: Example): string => {
  const target = folderOf(example);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(PROJECT, "examples", example), target, { recursive: true, filter: (path) => !/\/(node_modules|dist)$/.test(path) });
  const file = join(target, "croft.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^site: (.*)$/m, `site: bench-$1\nnetwork: ${NETWORK}`));
  return target;
};

/** @throws Error with all that was printed where the exit code is not 0. */
export const croft = (...words: readonly string[]): Promise<Finished> =>
  runProgram([process.execPath, join(PROJECT, "bin", "croft"), ...words], { folder: PROJECT, environment });

export const destroySite = (site: string): Promise<Finished> => croft("destroy", "--purge", "--yes", site);

/** A copy of the example while `work` runs; destroyed and removed afterwards, whatever happened. */
export const withSite = async <T>(example: Example, work: (site: string) => Promise<T>): Promise<T> => {
  const site = copyExample(example);
  try {
    return await work(site);
  } finally {
    await destroySite(site);
    rmSync(site, { recursive: true, force: true });
    rmSync(ROOT, { recursive: true, force: true });
  }
};

/** What a benchmark that was killed left. */
export const removeLeftovers = async (): Promise<void> => {
  for (const folder of EXAMPLES.map(folderOf).filter((path) => existsSync(path))) {
    await destroySite(folder);
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(ROOT, { recursive: true, force: true });
};

type RunLine = { readonly type: string; readonly id: string; readonly durationMs?: number; readonly text?: string };
type RunEvent = RunLine & { readonly atMs: number };

/** One step of a run; `insideMs` by croft's own clock, the others by when its lines came. */
export type StepTime = {
  readonly id: string;
  readonly insideMs: number;
  readonly startMs: number;
  readonly endMs: number;
  /** What the step said it was doing, and how long until it said the next thing or ended. */
  readonly phases: Readonly<Record<string, number>>;
};

const eventsOf = (finished: Finished): readonly RunEvent[] =>
  finished.lines.flatMap(({ text, atMs }) => (text.startsWith('{"type"') ? [{ ...(JSON.parse(text) as RunLine), atMs }] : []));

const phasesOf = (events: readonly RunEvent[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    events.flatMap(({ type, text, atMs }, index) => {
      const next = events[index + 1];
      return next === undefined || !type.startsWith("step-") ? [] : [[text ?? "before it said anything", next.atMs - atMs] as const];
    }),
  );

const timeOf = (id: string, events: readonly RunEvent[]): readonly (readonly [string, StepTime])[] => {
  const first = events[0];
  const done = events.find(({ type }) => type === "step-done");
  if (first === undefined || done === undefined) return [];
  return [[id, { id, insideMs: done.durationMs ?? 0, startMs: first.atMs, endMs: done.atMs, phases: phasesOf(events) }]];
};

/** `croft up --json` and its steps. */
export const upWithSteps = async (site: string): Promise<ReadonlyMap<string, StepTime>> => {
  const events = Map.groupBy(eventsOf(await croft("up", "--yes", "--json", site)), ({ id }) => id);
  return new Map([...events].flatMap(([id, list]) => timeOf(id, list)));
};

/** @throws Error */
export const stepOf = (steps: ReadonlyMap<string, StepTime>, id: string): StepTime => {
  const step = steps.get(id);
  if (step === undefined) throw new Error(`the run had no step ${id}; it had ${[...steps.keys()].join(", ")}`);
  return step;
};

/** For croft's own functions called in this process. */
export const quietIo: Io = {
  out: () => {},
  error: () => {},
  color: false,
  interactive: false,
  environment: { ...process.env, ...environment },
  folder: PROJECT,
};
