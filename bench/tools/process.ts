/** Programs that are timed: wall time as seen from here, and the most memory they held. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, Skip } from "./row.ts";

export type Line = { readonly text: string; readonly atMs: number };

export type Finished = {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly durationMs: number;
  /** Lines of standard output with the time since the start at which they came. */
  readonly lines: readonly Line[];
};

export type RunOptions = { readonly folder?: string; readonly environment?: Readonly<Record<string, string>> };

const collectLines = (started: number): { readonly add: (chunk: Buffer) => void; readonly lines: Line[] } => {
  const lines: Line[] = [];
  let partial = "";
  const add = (chunk: Buffer): void => {
    const pieces = (partial + chunk.toString()).split("\n");
    partial = pieces.pop() ?? "";
    pieces.forEach((text) => lines.push({ text, atMs: performance.now() - started }));
  };
  return { add, lines };
};

/** @throws Error with all that was printed where the exit code is not 0. */
export const runProgram = (words: readonly [string, ...string[]], options: RunOptions = {}): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const [program, ...rest] = words;
    const started = performance.now();
    const child = spawn(program, rest, {
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
      env: { ...process.env, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { add, lines } = collectLines(started);
    let out = "";
    let err = "";
    child.stdout.on("data", add).on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code !== 0) return reject(new Error(`${words.join(" ")} exited ${code}\n${out.slice(-4000)}\n${err.slice(-4000)}`));
      resolve({ code, out, err, durationMs: performance.now() - started, lines });
    });
  });

const TIME = "/usr/bin/time";

/** Wall time and the largest resident set of the program itself, by GNU time. @throws Skip where that is missing. */
export const runMeasured = async (
  words: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<Finished & { readonly peakMiB: number }> => {
  if (!existsSync(TIME)) throw new Skip("/usr/bin/time is missing (Debian package time)");
  const folder = await mkdtemp(join(tmpdir(), "croft-bench-time-"));
  try {
    const file = join(folder, "peak");
    const finished = await runProgram([TIME, "-f", "%M", "-o", file, ...words], options);
    return { ...finished, peakMiB: Number((await readFile(file, "utf8")).trim()) / 1024 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export const timed = async <T>(work: () => T | Promise<T>): Promise<{ readonly value: T; readonly durationMs: number }> => {
  const started = performance.now();
  const value = await work();
  return { value, durationMs: performance.now() - started };
};

/** Results of `count` runs, one after the other. */
export const repeat = async <T>(count: number, work: (index: number) => Promise<T>): Promise<readonly T[]> => {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) results.push(await work(index));
  return results;
};

export const medianOf = async (count: number, work: () => Promise<{ readonly durationMs: number }>): Promise<number> =>
  median((await repeat(count, work)).map(({ durationMs }) => durationMs));
