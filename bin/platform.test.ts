import { expect, test } from "vitest";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../provisioner/artifacts/lock-file.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { findPlatform } from "./platform.ts";

const artifacts: ArtifactTools = {
  shell: makeLocalShell(),
  folder: "/nowhere/artifacts",
  pins: { architecture: "amd64", lock: EMPTY_LOCK, notes: [] },
  mavenBase: "",
  mirror: undefined,
};
const standIn = (engine?: string) =>
  findPlatform(artifacts, { CROFT_HYPERVISOR: "stand-in", ...(engine === undefined ? {} : { CROFT_VMM_ENGINE: engine }) });

test("the stand-in's containers need no kernel, and their program is told nothing", async () => {
  const platform = await standIn();
  expect([platform.bootable, platform.hypervisor]).toEqual([false, "stand-in"]);
  expect(platform.program.at(-1)).toMatch(/croft-vmm$/);
});

test.skipIf(process.arch !== "x64")("emulated machines boot a kernel, in more time (skipped where not amd64)", async () => {
  const platform = await standIn("qemu");
  expect([platform.bootable, platform.hypervisor]).toEqual([true, "stand-in (qemu)"]);
  expect(platform.program.slice(-2)).toEqual(["--engine", "qemu"]);
  expect(platform.bootTimeoutMs).toBeGreaterThan((await standIn("nspawn")).bootTimeoutMs);
});

test.each(["none", "toString", ""])("an engine that runs no machines is refused: %j", async (engine) => {
  await expect(standIn(engine)).rejects.toMatchObject({ code: "USAGE" });
});
