/** One run at a time: a flock that ends with croft, a beat every second, takeover from the silent only. */
import { utimesSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../errors.ts";
import { tryFlock } from "./flock.ts";
import type { Held } from "./flock.ts";
import { bootId, endOwner, ownerLives, processStart } from "./owner.ts";
import type { Owner } from "./owner.ts";

export type LockTimes = {
  readonly beatMs: number;
  /** An owner silent this long is hung or stopped. */
  readonly silentMs: number;
  readonly pollMs: number;
  /** How long a killed owner may take to be gone, and a new one to name itself; 5 s if not given. */
  readonly graceMs?: number;
};

export const LOCK_TIMES: LockTimes = { beatMs: 1000, silentMs: 15_000, pollMs: 100 };

type Times = Required<LockTimes>;
const GRACE_MS = 5000;

export type LockInput = {
  readonly file: string;
  readonly ownerFile: string;
  readonly who: { readonly host: string; readonly user: string; readonly command: string; readonly since: string };
  readonly times?: LockTimes;
  /** How long to wait for a living owner; 0: not at all. */
  readonly waitMs?: number;
  /** Told once when the run has to wait, and when it ends a silent owner. */
  readonly say?: (text: string) => void;
};

export type Lock = {
  /** Aborted when the lock is gone though nobody released it: the run must stop. */
  readonly lost: AbortSignal;
  readonly release: () => Promise<void>;
};

/** Undefined where there is none, or it is just being written. */
const readOwner = async (file: string): Promise<Owner | undefined> => {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
};

/** Undefined where nobody names itself any more. */
const beatOf = async (file: string): Promise<number | undefined> => (await stat(file).catch(() => undefined))?.mtimeMs;

const describe = (owner: Owner | undefined): string =>
  owner === undefined ? "another croft" : `${owner.user}@${owner.host}, pid ${owner.pid}, \`${owner.command}\`, since ${owner.since}`;

const locked = (owner: Owner | undefined): CroftError =>
  new CroftError("LOCKED", `this site is being changed by ${describe(owner)}`, { hint: "wait for it with `--wait 300`", transient: true });

/**
 * Watches the owner's beat: false at the first one, true after the whole silence. A pause of the watching process counts as
 * two polls at most. An owner that took its name away is about to let go, however long that takes: it is not silent.
 */
const staysSilent = async (ownerFile: string, times: LockTimes): Promise<boolean> => {
  const first = await beatOf(ownerFile);
  if (first === undefined) return false;
  let last = performance.now();
  for (let silent = 0; silent < times.silentMs;) {
    await sleep(times.pollMs);
    if ((await beatOf(ownerFile)) !== first) return false;
    const now = performance.now();
    silent += Math.min(now - last, 2 * times.pollMs);
    last = now;
  }
  return true;
};

/** A holder that beats is left alone; one that is dead or silent is out of the way when this returns. */
const settleOwner = async (input: LockInput, times: Times): Promise<"alive" | "gone" | "ended"> => {
  const owner = await readOwner(input.ownerFile);
  if (owner === undefined || !(await ownerLives(owner))) {
    await sleep(times.pollMs);
    return "gone";
  }
  if (!(await staysSilent(input.ownerFile, times))) return "alive";
  input.say?.(`the run of ${describe(owner)} has been silent for ${Math.round(times.silentMs / 1000)} s; ending it`);
  if (!(await endOwner(owner, times.graceMs))) throw new CroftError("LOCKED", `the silent run of ${describe(owner)} cannot be ended`);
  return "ended";
};

const acquire = async (input: LockInput, times: Times): Promise<Held> => {
  const deadline = performance.now() + (input.waitMs ?? 0);
  const patience = times.silentMs + times.graceMs;
  let nameless = performance.now() + patience;
  let told = false;
  for (;;) {
    const held = await tryFlock(input.file);
    if (held !== undefined) return held;
    const owner = await settleOwner(input, times);
    // Watching and ending one took time; who holds the lock now has all of it to give its name.
    if (owner !== "gone") nameless = performance.now() + patience;
    if (owner === "alive") {
      if (performance.now() >= deadline) throw locked(await readOwner(input.ownerFile));
      if (!told) input.say?.(`waiting for ${describe(await readOwner(input.ownerFile))}`);
      told = true;
    } else if (owner === "gone" && performance.now() >= Math.max(nameless, deadline)) throw locked(undefined);
  }
};

const nameOwner = async (input: LockInput): Promise<void> => {
  const owner: Owner = { pid: process.pid, startTime: await processStart(process.pid), bootId: await bootId(), ...input.who };
  await writeFile(input.ownerFile, JSON.stringify(owner), { mode: 0o600 });
};

/** A beat sets the file's time to how many there were: no clock, so none that can step. */
const startBeat = (ownerFile: string, beatMs: number): NodeJS.Timeout => {
  let beats = 0;
  const beat = (): void => {
    beats += 1;
    try {
      utimesSync(ownerFile, beats, beats);
    } catch {
      // Removed by hand; the flock still holds.
    }
  };
  return setInterval(beat, beatMs).unref();
};

/** @throws CroftError LOCKED with holder, pid, command, since; HOST_UNFIT without flock; STATE_IO */
export const takeLock = async (input: LockInput): Promise<Lock> => {
  const times: Times = { graceMs: GRACE_MS, ...(input.times ?? LOCK_TIMES) };
  const failed = (cause: unknown): CroftError =>
    new CroftError("STATE_IO", `writing ${input.ownerFile} failed: ${(cause as Error).message}`, { cause });
  await mkdir(dirname(input.file), { recursive: true, mode: 0o700 }).catch((cause: unknown) => Promise.reject(failed(cause)));
  const held = await acquire(input, times);
  try {
    await nameOwner(input);
  } catch (cause) {
    await held.release();
    throw failed(cause);
  }
  const beat = startBeat(input.ownerFile, times.beatMs);
  const release = async (): Promise<void> => {
    clearInterval(beat);
    await rm(input.ownerFile, { force: true }).catch(() => {});
    await held.release();
  };
  return { lost: held.lost, release };
};
