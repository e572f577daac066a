/**
 * `croft vm start | stop | pause | resume NAME`. The file still says that the machine runs: `status` and `plan`
 * show the difference, and the next `up` ends it.
 */
import { CroftError, EXIT } from "../../../provisioner/errors.ts";
import type { MachineAction } from "../../../provisioner/hypervisor/machine-actions.ts";
import { machineResourceId } from "../../../provisioner/hypervisor/machine-resource.ts";
import type { RunOptions } from "../../change.ts";
import type { Loaded } from "../../load.ts";
import { asRecorded, changeMachine } from "../../machine-change.ts";
import type { Io } from "../../main.ts";
import { stateOf } from "./machine.ts";

export type PowerAction = Exclude<MachineAction, "grow">;
export const POWER_ACTIONS: readonly PowerAction[] = ["start", "stop", "pause", "resume"];

/** The state each action ends in, and the states it may begin in. */
const RULES: Readonly<Record<PowerAction, { readonly to: string; readonly from: readonly string[] }>> = {
  start: { to: "running", from: ["stopped"] },
  stop: { to: "stopped", from: ["running", "paused", "created", "unresponsive"] },
  pause: { to: "paused", from: ["running"] },
  resume: { to: "running", from: ["paused"] },
};

const NEXT: Readonly<Record<string, string>> = {
  running: "",
  stopped: "`croft vm start NAME` or `croft up` starts it again.",
  paused: "`croft vm resume NAME` or `croft up` lets it go on.",
};

const wrongState = (action: PowerAction, name: string, state: string): CroftError =>
  new CroftError("USAGE", `machine ${name} is ${state}: there is nothing to ${action}`, {
    hint: state === "paused" ? `croft vm resume ${name}` : `croft vm start ${name}`,
  });

export const changePower = async (loaded: Loaded, io: Io, options: RunOptions, action: PowerAction, name: string): Promise<number> => {
  const id = machineResourceId(name);
  const { to, from } = RULES[action];
  if (!loaded.state.resources.some((record) => record.id === id))
    throw new CroftError("USAGE", `machine ${name} is not there yet`, { hint: "croft up" });
  const state = await stateOf(loaded, name);
  if (state === to) {
    if (!options.json) io.out(`Machine ${name} is ${to} already.`);
    return EXIT.ok;
  }
  if (!from.includes(state)) throw wrongState(action, name, state);
  const changed = await changeMachine(loaded, io, options, {
    action,
    steps: async (recorded) => {
      const record = recorded.get(id);
      if (record === undefined) throw new CroftError("PLAN_STALE", `machine ${name} went away meanwhile`, { hint: "croft status" });
      const changes = [{ path: "state", from: await stateOf(loaded, name), to }];
      return [{ resource: asRecorded(record), action: "update", reason: `croft vm ${action}`, changes }];
    },
  });
  const next = (NEXT[to] ?? "").replace("NAME", name);
  if (changed.exitCode === EXIT.ok && next !== "" && !options.json) io.out(next);
  return changed.exitCode;
};
