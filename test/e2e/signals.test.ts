/** Interrupts, hung owners and damaged state, on a real site. */
import { spawn } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROJECT, ROOT, copySite, croft, mustCroft } from "./croft.ts";

let site = "";
const state = `${ROOT}/state/hello/default/state.json`;

beforeAll(async () => {
  site = copySite("hello");
  await croft(["destroy", "--purge", site]);
});

afterAll(async () => {
  await croft(["destroy", "--purge", site]);
});

test("an interrupt ends the run at a step border, and the next one finishes", async () => {
  const outcome = await croft(["up", site], { onStart: (pid) => setTimeout(() => process.kill(pid, "SIGINT"), 1500) });
  expect(outcome.code).toBe(130);
  expect(outcome.out).toContain("Interrupted at a step border");
  await mustCroft("up", site);
  expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
});

test("a run that was stopped is gone before the next one changes anything", async () => {
  await mustCroft("destroy", site);
  const hung = spawn(process.execPath, [join(PROJECT, "bin", "croft"), "up", site], {
    env: { ...process.env, CROFT_ROOT: ROOT },
    stdio: "ignore",
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => hung.once("exit", (_code, signal) => resolve(signal)));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  hung.kill("SIGSTOP");
  const outcome = await croft(["up", site]);
  expect(outcome.err).toMatch(/silent for 15 s; ending it/);
  expect(await ended).toBe("SIGKILL");
  if (outcome.code !== 0) await mustCroft("up", site);
  expect((await croft(["plan", site, "--detailed-exitcode"])).code).toBe(0);
});

test("a damaged state is refused by name and can be restored", async () => {
  const good = readFileSync(state);
  truncateSync(state, Math.floor(good.length / 2));
  const refused = await croft(["up", site]);
  expect(refused.code).toBe(65);
  expect(refused.err).toContain("state.json");
  expect(refused.err).toContain("croft state restore");
  await mustCroft("state", "restore", site);
  expect((await croft(["plan", site])).code).toBe(0);
  writeFileSync(state, good, { mode: 0o600 });
});
