import { expect, test } from "vitest";
import { isNothing, planLive } from "./live.ts";
import { renderVmJson, type MachineConfigInput } from "./machine-config.ts";

const MEBIBYTE = 1024 * 1024;
const BASE: MachineConfigInput = {
  cpus: 1,
  memoryBytes: 512 * MEBIBYTE,
  kernel: "/k",
  root: "/r",
  seed: "/s",
  disks: [{ path: "/d", serial: "d" }],
  tap: "tap",
  mac: "52:00:00:00:00:11",
  address: "10.91.0.11",
  gateway: "10.91.0.1",
  hostname: "h",
};
const plan = (from: Partial<MachineConfigInput>, to: Partial<MachineConfigInput>) =>
  planLive(renderVmJson({ ...BASE, ...from }), renderVmJson({ ...BASE, ...to }));

test("nothing changed", () => {
  const found = plan({}, {});
  expect("change" in found && isNothing(found.change)).toBe(true);
});

test("CPUs go up and down, memory grows, disks come", () => {
  const more = { path: "/e", serial: "e" };
  expect(plan({}, { cpus: 3, memoryBytes: 768 * MEBIBYTE, disks: [...BASE.disks, more] })).toEqual({
    change: { cpus: 3, memoryBytes: 768 * MEBIBYTE, disks: [{ ...more, image_type: "Raw" }] },
  });
  expect(plan({ cpus: 4 }, { cpus: 2 })).toMatchObject({ change: { cpus: 2 } });
});

test.each([
  [{ memoryBytes: 256 * MEBIBYTE }, "memory shrinks only with a restart"],
  [{ memoryBytes: 600 * MEBIBYTE }, "memory grows in steps of 128 MiB while the machine runs"],
  [{ memoryBytes: 64 * 1024 * MEBIBYTE }, "memory grows by at most 8192 MiB while the machine runs"],
  [{ disks: [] }, "a disk leaves or changes only with a restart"],
  [{ cpus: 9 }, "more than its size and its data disks changed"],
  [{ kernel: "/other" }, "more than its size and its data disks changed"],
])("%j needs a restart", (to, restart) => {
  expect(plan({}, to)).toEqual({ restart });
});
