/** An owner that even SIGKILL does not end (a process in uninterruptible sleep). */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { tryFlock } from "./flock.ts";
import { takeLock } from "./lock.ts";
import { bootId, endOwner, processStart } from "./owner.ts";

test("is left alone: LOCKED", async () => {
  const folder = await mkdtemp(join(tmpdir(), "croft-stuck-"));
  const child = spawn("sleep", ["60"]);
  const who = { host: "metal1", user: "ada", command: "croft up", since: "t" };
  const owner = { pid: child.pid as number, startTime: await processStart(child.pid as number), bootId: await bootId(), ...who };
  await writeFile(join(folder, "owner.json"), JSON.stringify(owner));
  const held = await tryFlock(join(folder, "lock"));
  const kill = vi.spyOn(process, "kill").mockImplementation(() => {
    throw new Error("EPERM");
  });
  const times = { beatMs: 10, silentMs: 50, pollMs: 10, graceMs: 50 };
  await expect(takeLock({ file: join(folder, "lock"), ownerFile: join(folder, "owner.json"), who, times })).rejects.toMatchObject({
    code: "LOCKED",
    message: expect.stringContaining("cannot be ended") as string,
  });
  expect(await endOwner(owner, 0)).toBe(false);
  kill.mockRestore();
  child.kill("SIGKILL");
  await held?.release();
  await rm(folder, { recursive: true });
});
