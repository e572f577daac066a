/** One run at a time: flock held by a child that ends with croft, a beat every second, takeover from the silent only. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../errors.ts";
import { bootId, endOwner, ownerLives, processStart } from "./owner.ts";
import type { Owner } from "./owner.ts";

export type LockTimes = {
  readonly beatMs: number;
  /** An owner silent this long is hung or stopped. */
  readonly silentMs: number;
  readonly pollMs: number;
};

export const LOCK_TIMES: LockTimes = { beatMs: 1000, silentMs: 15_000, pollMs: 100 };

export type LockInput = {
  readonly file: string;
  readonly ownerFile: string;
  readonly who: { readonly host: string; readonly user: string; readonly command: string; readonly since: string };
  readonly times?: LockTimes;
  /** How long to wait for a living owner; 0: not at all. */
  readonly waitMs?: number;
  /** Told once when the run has to wait, and once when it takes over. */
  readonly say?: (text: string) => void;
};

export type Lock = { readonly release: () => Promise<void> };

type Holder = { readonly child: ChildProcess };

/** Holds the flock until its standard input closes, which the kernel does when croft is gone. In a session of its own: an interrupt at the terminal is not for it. */
const tryFlock = (file: string): Promise<Holder | undefined> =>
  new Promise((resolve, reject) => {
    const child = spawn("flock", ["--nonblock", "--conflict-exit-code", "75", file, "sh", "-c", "echo held; exec cat >/dev/null"], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    child.once("error", (cause) => reject(new CroftError("HOST_UNFIT", "the program flock is missing", { cause, hint: "apt-get install util-linux" })));
    child.once("exit", () => resolve(undefined));
    child.stdout.once("data", () => {
      child.removeAllListeners("exit");
      child.unref();
      resolve({ child });
    });
  });

const readOwner = async (file: string): Promise<Owner | undefined> => {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
};

const beatOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;

const describe = (owner: Owner | undefined): string =>
  owner === undefined ? "another croft" : `${owner.user}@${owner.host}, pid ${owner.pid}, \`${owner.command}\`, since ${owner.since}`;

const locked = (owner: Owner | undefined): CroftError =>
  new CroftError("LOCKED", `this site is being changed by ${describe(owner)}`, { hint: "wait for it with `--wait 300`", transient: true });

/** Watches the owner's beat: resolves to false at the first one, true after the whole silence. */
const staysSilent = async (input: LockInput, times: LockTimes): Promise<boolean> => {
  const first = await beatOf(input.ownerFile);
  const deadline = performance.now() + times.silentMs;
  while (performance.now() < deadline) {
    await sleep(times.pollMs);
    if ((await beatOf(input.ownerFile)) !== first) return false;
  }
  return true;
};

/** A holder that beats is left alone; one that is dead or silent is out of the way when this returns. */
const settleOwner = async (input: LockInput, times: LockTimes): Promise<"alive" | "gone"> => {
  const owner = await readOwner(input.ownerFile);
  if (owner === undefined || !(await ownerLives(owner))) {
    await sleep(times.pollMs);
    return "gone";
  }
  if (!(await staysSilent(input, times))) return "alive";
  input.say?.(`the run of ${describe(owner)} has been silent for ${Math.round(times.silentMs / 1000)} s; ending it`);
  if (!(await endOwner(owner, 5000))) throw new CroftError("LOCKED", `the silent run of ${describe(owner)} cannot be ended`);
  return "gone";
};

const acquire = async (input: LockInput, times: LockTimes): Promise<Holder> => {
  const deadline = performance.now() + (input.waitMs ?? 0);
  let strays = performance.now() + times.silentMs + 5000;
  let told = false;
  for (;;) {
    const holder = await tryFlock(input.file);
    if (holder !== undefined) return holder;
    if ((await settleOwner(input, times)) === "alive") {
      strays = performance.now() + times.silentMs + 5000;
      if (performance.now() >= deadline) throw locked(await readOwner(input.ownerFile));
      if (!told) input.say?.(`waiting for ${describe(await readOwner(input.ownerFile))}`);
      told = true;
    } else if (performance.now() >= Math.max(strays, deadline)) throw locked(undefined);
  }
};

const makeOwner = async (input: LockInput): Promise<Owner> => ({
  pid: process.pid,
  startTime: await processStart(process.pid),
  bootId: await bootId(),
  ...input.who,
});

const ended = (child: ChildProcess): Promise<void> => new Promise((resolve) => (child.exitCode === null ? child.once("exit", () => resolve()) : resolve()));

/** @throws CroftError LOCKED with holder, pid, command, since; HOST_UNFIT without flock. */
export const takeLock = async (input: LockInput): Promise<Lock> => {
  const times = input.times ?? LOCK_TIMES;
  await mkdir(dirname(input.file), { recursive: true, mode: 0o700 });
  const { child } = await acquire(input, times);
  await writeFile(input.ownerFile, JSON.stringify(await makeOwner(input)), { mode: 0o600 });
  const beat = setInterval(() => void utimes(input.ownerFile, new Date(), new Date()).catch(() => {}), times.beatMs);
  beat.unref();
  const release = async (): Promise<void> => {
    clearInterval(beat);
    await rm(input.ownerFile, { force: true });
    child.ref();
    const gone = ended(child);
    child.stdin?.end();
    await gone;
  };
  return { release };
};
