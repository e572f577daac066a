/** The states of a VM and which may follow which, as `vm.info` shows them. Pure. */
import type { VmState } from "./types.ts";

const NEXT: Readonly<Record<VmState, readonly VmState[]>> = {
  Created: ["Running", "Paused", "BreakPoint", "Shutdown"],
  Running: ["Paused", "Shutdown", "BreakPoint"],
  Shutdown: ["Running"],
  Paused: ["Running", "Shutdown"],
  BreakPoint: ["Created", "Running"],
};

export const mayFollow = (from: VmState, to: VmState): boolean => NEXT[from].includes(to);
