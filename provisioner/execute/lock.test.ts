import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tryFlock } from "./flock.ts";
import { takeLock } from "./lock.ts";
import type { LockInput } from "./lock.ts";
import { bootId, endOwner, ownerLives, processStart } from "./owner.ts";
import type { Owner } from "./owner.ts";

const TIMES = { beatMs: 20, silentMs: 400, pollMs: 10, graceMs: 300 };
const who = { host: "metal1", user: "ada", command: "croft up", since: "2026-01-01T00:00:00Z" };

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-lock-"));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const input = (more: Partial<LockInput> = {}): LockInput => ({
  file: join(folder, "lock"),
  ownerFile: join(folder, "owner.json"),
  who,
  times: TIMES,
  ...more,
});

/** Another process that holds the lock, with a child in its session and one apart. */
const startOwner = async (): Promise<{ readonly child: ChildProcess; readonly inside: number; readonly apart: number }> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "hold-lock.fixture.ts"), folder], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  children.push(child);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as unknown as readonly [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { inside: number; apart: number }) };
};

const isRunning = async (pid: number): Promise<boolean> => {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !text.slice(text.lastIndexOf(")")).startsWith(") Z");
};

describe("one holder", () => {
  test("takes, names itself, beats, releases", async () => {
    const lock = await takeLock(input());
    expect(JSON.parse(await readFile(join(folder, "owner.json"), "utf8"))).toEqual({
      pid: process.pid,
      startTime: await processStart(process.pid),
      bootId: await bootId(),
      ...who,
    });
    await vi.waitFor(async () => expect((await stat(join(folder, "owner.json"))).mtimeMs).toBeLessThan(60_000));
    await lock.release();
    await expect(stat(join(folder, "owner.json"))).rejects.toThrow("ENOENT");
    await (await takeLock(input({ times: undefined as never }))).release();
  });

  test("a beating owner is never touched: LOCKED with holder, pid, command, since", async () => {
    const lock = await takeLock(input());
    await expect(takeLock(input())).rejects.toMatchObject({
      code: "LOCKED",
      exitCode: 75,
      transient: true,
      message: `this site is being changed by ada@metal1, pid ${process.pid}, \`croft up\`, since 2026-01-01T00:00:00Z`,
    });
    await lock.release();
  });

  test("waits when told to, says for whom, once", async () => {
    const lock = await takeLock(input());
    const said: string[] = [];
    const waiting = takeLock(input({ waitMs: 5000, say: (text) => said.push(text) }));
    await sleep(200);
    await lock.release();
    await (await waiting).release();
    expect(said).toEqual([`waiting for ada@metal1, pid ${process.pid}, \`croft up\`, since 2026-01-01T00:00:00Z`]);
  });

  test("waits in silence where nobody listens", async () => {
    const lock = await takeLock(input());
    const waiting = takeLock(input({ waitMs: 5000 }));
    await sleep(100);
    await lock.release();
    await (await waiting).release();
  });

  test("goes on beating without its owner file", async () => {
    const lock = await takeLock(input());
    await rm(join(folder, "owner.json"));
    await sleep(60);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
  });

  test("learns that the lock was taken away", async () => {
    const lock = await takeLock(input());
    const pids = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")).trim().split(" ").map(Number);
    for (const pid of pids)
      if ((await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim() === "flock") process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(lock.lost.aborted).toBe(true));
    await lock.release();
  });
});

describe("an owner that ends or hangs", () => {
  test("killed with SIGKILL: free at once", async () => {
    const { child } = await startOwner();
    child.kill("SIGKILL");
    const begun = performance.now();
    await (await takeLock(input())).release();
    expect(performance.now() - begun).toBeLessThan(1500);
  });

  test("stopped: ended with what is in its session, seen gone before the takeover", async () => {
    const { child, inside, apart } = await startOwner();
    child.kill("SIGSTOP");
    const said: string[] = [];
    const begun = performance.now();
    const lock = await takeLock(input({ say: (text) => said.push(text) }));
    expect(await Promise.all([child.pid as number, inside, apart].map(isRunning))).toEqual([false, false, true]);
    expect(performance.now() - begun).toBeGreaterThan(TIMES.silentMs);
    expect(said).toEqual([
      expect.stringMatching(/^the run of ada@metal1, pid \d+, `croft up`, since .* has been silent for 0 s; ending it$/),
    ]);
    process.kill(apart);
    await lock.release();
  });

  test("stopped, with nobody listening", async () => {
    const { child, apart } = await startOwner();
    child.kill("SIGSTOP");
    await (await takeLock(input())).release();
    process.kill(apart);
  });

  test("nobody names itself: LOCKED in the end", async () => {
    const held = await tryFlock(join(folder, "lock"));
    await expect(takeLock(input())).rejects.toMatchObject({ code: "LOCKED", message: "this site is being changed by another croft" });
    await writeFile(join(folder, "owner.json"), '{"pid":1');
    await expect(takeLock(input())).rejects.toMatchObject({ code: "LOCKED" });
    await held?.release();
  });
});

describe("a host that does not do", () => {
  test("without flock: HOST_UNFIT", async () => {
    vi.stubEnv("PATH", folder);
    await expect(takeLock(input())).rejects.toMatchObject({ code: "HOST_UNFIT", exitCode: 78, hint: "apt-get install util-linux" });
  });

  test("a lock file that cannot be made, an owner file that cannot be written, a folder that is a file: STATE_IO", async () => {
    await symlink(join(folder, "nowhere", "lock"), join(folder, "lock"));
    await expect(takeLock(input())).rejects.toMatchObject({ code: "STATE_IO", exitCode: 74 });
    await rm(join(folder, "lock"));
    await mkdir(join(folder, "owner.json"));
    await expect(takeLock(input())).rejects.toMatchObject({ code: "STATE_IO" });
    await rm(join(folder, "owner.json"), { recursive: true });
    await (await takeLock(input())).release();
    await writeFile(join(folder, "plain"), "");
    await expect(takeLock(input({ file: join(folder, "plain", "lock") }))).rejects.toMatchObject({ code: "STATE_IO" });
  });
});

describe("processes", () => {
  const me = async (): Promise<Owner> => ({ ...who, pid: process.pid, startTime: await processStart(process.pid), bootId: await bootId() });

  test("are themselves by pid, start time and boot", async () => {
    const owner = await me();
    expect(
      await Promise.all([owner, { ...owner, startTime: "1" }, { ...owner, bootId: "x" }, { ...owner, pid: 2 ** 22 + 1 }].map(ownerLives)),
    ).toEqual([true, false, false, false]);
    expect(await processStart(2 ** 22 + 1)).toBe("");
  });

  test("never end themselves, however long they were silent", async () => {
    expect(await endOwner(await me(), 0)).toBe(false);
  });

  test("that are gone need no ending; one that stays is told", async () => {
    expect(await endOwner({ ...(await me()), startTime: "1" }, 0)).toBe(true);
    const child = spawn("sleep", ["60"]);
    const owner = { ...(await me()), pid: child.pid as number, startTime: await processStart(child.pid as number) };
    expect(await endOwner(owner, 1000)).toBe(true);
    expect(await ownerLives(owner)).toBe(false);
  });
});

test("of 1,000 racers in rounds of 40 exactly one wins each round", async () => {
  for (let round = 0; round < 25; round += 1) {
    const tries = await Promise.all(Array.from({ length: 40 }, () => tryFlock(join(folder, "race"))));
    const winners = tries.filter((held) => held !== undefined);
    expect(winners).toHaveLength(1);
    await winners[0]?.release();
  }
}, 60_000);
