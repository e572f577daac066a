/** The engine against a real QEMU and a kernel of fifty bytes: everything but an operating system. */
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { guestName } from "../../../../model/names.ts";
import { hasProgram } from "../../../../host/bootstrap.ts";
import { makeClient } from "../../../client.ts";
import type { VmConfig } from "../../../types.ts";
import { makeFolder, startProgram } from "../../harness.ts";
import { tinyKernel, type Ending } from "./tiny-kernel.ts";
import { QEMU } from "./words.ts";

const missing = !hasProgram(QEMU);
const REASON = "skipped where qemu-system-x86 is not installed";
const MEBIBYTE = 1024 * 1024;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 60_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not in a minute: ${String(what)}`);
    await wait(50);
  }
};

const configOf = (folder: string): VmConfig => ({
  cpus: { boot_vcpus: 1, max_vcpus: 2 },
  memory: { size: 128 * MEBIBYTE, hotplug_size: 256 * MEBIBYTE },
  payload: { kernel: join(folder, "kernel"), cmdline: "hello" },
  disks: [{ path: join(folder, "root.raw"), image_type: "Raw", serial: "root", id: "root" }],
  serial: { mode: "File", file: join(folder, "console") },
  console: { mode: "Off" },
});

const cleaners: (() => void)[] = [];
afterEach(() => cleaners.splice(0).forEach((clean) => clean()));

/** Whole or not at all: a guest that resets may be read at any time. */
const putKernel = (folder: string, ending: Ending): void => {
  writeFileSync(join(folder, "kernel.new"), tinyKernel(ending));
  renameSync(join(folder, "kernel.new"), join(folder, "kernel"));
};

const start = async (ending: Ending, args: readonly string[] = []) => {
  const folder = makeFolder();
  putKernel(folder, ending);
  const program = await startProgram(folder, ["--engine", "qemu", ...args]);
  const client = makeClient(program.socket);
  cleaners.push(program.clean, client.close);
  await client.create(configOf(folder));
  const greeted = (): boolean => readFileSync(join(folder, "console"), "utf8").includes("hello\n");
  const events = (): readonly string[] => program.readEvents().map(({ event }) => event);
  return { folder, program, client, greeted, events };
};

const guestRuns = (socket: string): boolean =>
  execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes(`guest=${guestName(socket)}`);

test.skipIf(missing)(`a guest that powers off ends the program with 0 (${REASON})`, { timeout: 120_000 }, async () => {
  const { program, client, greeted, events } = await start("powerOff");
  await client.boot();
  expect(await program.exit).toBe(0);
  expect(greeted()).toBe(true);
  expect(events()).toEqual(["starting", "booting", "booted", "shutdown", "deleted", "shutdown"]);
});

test.skipIf(missing)(`with --no-shutdown it leaves a machine that can boot again (${REASON})`, { timeout: 120_000 }, async () => {
  const { folder, client, events } = await start("powerOff", ["--no-shutdown"]);
  await client.boot();
  await until(() => events().includes("shutdown"));
  expect((await client.info()).state).toBe("Created");
  putKernel(folder, "stay");
  await client.boot();
  expect((await client.info()).state).toBe("Running");
});

test.skipIf(missing)(`a guest that resets comes back in the same program (${REASON})`, { timeout: 120_000 }, async () => {
  const { folder, program, client, greeted, events } = await start("reboot");
  await client.boot();
  await until(() => events().includes("rebooting"));
  putKernel(folder, "stay");
  await until(() => events().lastIndexOf("rebooted") > events().lastIndexOf("rebooting"));
  await until(greeted);
  expect(program.isAlive()).toBe(true);
  await client.vmmShutdown();
  expect(await program.exit).toBe(0);
  expect(guestRuns(program.socket)).toBe(false);
});

test.skipIf(missing)(`pause, resume, sizes, disks and counters (${REASON})`, { timeout: 120_000 }, async () => {
  const { folder, program, client, greeted } = await start("stay");
  await client.boot();
  await until(greeted);
  await client.pause();
  expect((await client.info()).state).toBe("Paused");
  await client.resume();
  await client.powerButton();
  const extra = join(folder, "extra.raw");
  const answer = await program.call("PUT", "vm.add-disk", { path: extra, image_type: "Raw", serial: "extra", id: "extra" });
  expect(answer.status).toBe(200);
  expect(Object.keys(await client.counters())).toEqual(["root", "extra"]);
  expect((await program.call("PUT", "vm.resize-disk", { id: "extra", desired_size: 64 * MEBIBYTE })).status).toBe(204);
  expect(statSync(extra).size).toBe(64 * MEBIBYTE);
  expect((await program.call("PUT", "vm.resize", { desired_vcpus: 2 })).status).toBe(204);
  expect((await program.call("PUT", "vm.resize", { desired_ram: 256 * MEBIBYTE })).status).toBe(204);
  expect((await client.info()).memory_actual_size).toBe(256 * MEBIBYTE);
  expect((await program.call("PUT", "vm.resize", { desired_vcpus: 3 })).text).toContain("Requested vCPUs exceed maximum");
});

test.skipIf(missing)(
  `killing the program kills the guest, running or paused, and frees its disks (${REASON})`,
  { timeout: 120_000 },
  async () => {
    for (const paused of [false, true]) {
      const { folder, program, client } = await start("stay");
      await client.boot();
      expect(guestRuns(program.socket)).toBe(true);
      if (paused) await client.pause();
      await program.stop("SIGKILL");
      await until(() => !guestRuns(program.socket));
      truncateSync(join(folder, "root.raw"), MEBIBYTE);
    }
  },
);

test.skipIf(missing)(`a guest that QEMU cannot start says why (${REASON})`, { timeout: 120_000 }, async () => {
  const { folder, client } = await start("stay");
  writeFileSync(join(folder, "kernel"), "no kernel");
  await expect(client.boot()).rejects.toThrow(/the guest could not be started.*invalid kernel header/s);
  await client.delete();
  await client.create({ ...configOf(folder), net: [{ tap: "croft-no-such" }] });
  await expect(client.boot()).rejects.toThrow("Invalid interface name (does it exist?): croft-no-such");
});
