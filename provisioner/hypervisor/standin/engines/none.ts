/** No guest at all: every call succeeds and nothing ever ends by itself. */
import type { Engine } from "../core/ports.ts";

const nothing = async (): Promise<void> => {};

export const makeNoEngine = (): Engine => ({
  name: "none",
  obeysUnplug: false,
  canSnapshot: true,
  boot: nothing,
  shutdown: nothing,
  powerButton: nothing,
  pause: nothing,
  resume: nothing,
  resize: nothing,
  addDisk: nothing,
  removeDisk: nothing,
  resizeDisk: nothing,
  counters: async () => ({}),
});
