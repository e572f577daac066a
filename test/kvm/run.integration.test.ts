/** The script for KVM hosts says clearly that this is none. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasUsableKvm } from "../../provisioner/host/bootstrap.ts";

const usable = await hasUsableKvm();
const script = join(import.meta.dirname, "run");

test.skipIf(usable)("without usable KVM it ends with 78 and a reason, and writes no log (skipped where KVM is: run test/kvm/run)", () => {
  const before = existsSync(join(import.meta.dirname, "log.txt"));
  const { status, stderr, stdout } = spawnSync(script, { encoding: "utf8" });
  expect(status).toBe(78);
  expect(stderr).toMatch(/^test\/kvm\/run: (no usable KVM: |needs root: ).+\n$/);
  expect(stdout).toBe("");
  expect(existsSync(join(import.meta.dirname, "log.txt"))).toBe(before);
});
