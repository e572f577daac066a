import { expect, test, vi } from "vitest";
import type { MachineView } from "./agent.ts";
import { parseView } from "./agent.ts";
import { settledView } from "./settled.ts";

const view = (systemd: string, unit: string): MachineView => ({
  ...parseView(`boot x\ncurrent g\npending -\nfirewall intact\ndisk 1\nsystemd ${systemd}\n`),
  units: { "croft-objects.service": unit, "croft-gateway.service": "active" },
});
const QUICK = { forMs: 5000, everyMs: 1 };

const looks = (...views: readonly MachineView[]) => {
  const left = [...views];
  return vi.fn<() => Promise<MachineView>>(async () => (left.length > 1 ? left.shift() : left[0]) as MachineView);
};

test("while a machine boots, units that are to come are waited for", async () => {
  const look = looks(view("initializing", "inactive"), view("starting", "activating"), view("starting", "active"));
  expect((await settledView(look, QUICK)).units["croft-objects.service"]).toBe("active");
  expect(look).toHaveBeenCalledTimes(3);
});

test.each([
  ["running", "inactive"],
  ["degraded", "failed"],
  ["running", "activating"],
  ["starting", "active"],
  ["starting", "active, not enabled"],
])("systemd is %s, a unit %s: one look", async (systemd, unit) => {
  const look = looks(view(systemd, unit));
  expect(await settledView(look, QUICK)).toEqual(view(systemd, unit));
  expect(look).toHaveBeenCalledTimes(1);
});

test("a boot that does not end is not waited for without end", async () => {
  const look = looks(view("starting", "activating"));
  expect(await settledView(look, { forMs: 20, everyMs: 1 })).toEqual(view("starting", "activating"));
  expect(look.mock.calls.length).toBeGreaterThan(1);
});
