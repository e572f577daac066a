/**
 * `croft vm resize NAME` and `croft vm add-disk NAME`: what croft.yaml says of the machine's size and disks, done while
 * it runs. The file is what counts, so that the next `up` finds nothing to undo; an option that says otherwise is refused.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CroftError, EXIT } from "../../../provisioner/errors.ts";
import { diskId } from "../../../provisioner/host/disk.ts";
import { isNothing, planLive } from "../../../provisioner/hypervisor/live.ts";
import type { LiveChange } from "../../../provisioner/hypervisor/live.ts";
import { machineResourceId } from "../../../provisioner/hypervisor/machine-resource.ts";
import type { MachinePayload } from "../../../provisioner/hypervisor/machine-resource.ts";
import { shortHash } from "../../../provisioner/model/names.ts";
import { parseSize } from "../../../provisioner/model/sizes.ts";
import type { Machine } from "../../../provisioner/model/types.ts";
import { formatBytes } from "../../../provisioner/plan/print.ts";
import type { Change, Recorded, Resource, ResourceId } from "../../../provisioner/plan/resource.ts";
import type { RunOptions } from "../../change.ts";
import type { Loaded } from "../../load.ts";
import { changeMachine } from "../../machine-change.ts";
import type { MachineStep } from "../../machine-change.ts";
import type { Io } from "../../main.ts";
import { pathsOf, stateOf } from "./machine.ts";

const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

const desiredOf = (loaded: Loaded, id: ResourceId): Resource => {
  const found = loaded.desired.resources.find((resource) => resource.id === id);
  if (found === undefined) throw new CroftError("BUG", `${id} is not desired`);
  return found;
};

const needsUp = (name: string, why: string): CroftError =>
  new CroftError("USAGE", `machine ${name} cannot take this while it runs: ${why}`, { hint: "`croft up` does it, with a restart" });

/** What is to change on the running machine. @throws CroftError where only `up` can do it. */
const liveChange = async (loaded: Loaded, name: string): Promise<LiveChange> => {
  const paths = pathsOf(loaded, name);
  const state = await stateOf(loaded, name);
  if (state !== "running") throw needsUp(name, `it is ${state}`);
  const running = await read(paths.vmJson);
  if ((await read(join(paths.run, "started"))).trim() !== shortHash(running, 16))
    throw needsUp(name, "it was started with another configuration");
  const plan = planLive(running, (desiredOf(loaded, machineResourceId(name)).payload as MachinePayload).vmJson);
  if ("restart" in plan) throw needsUp(name, plan.restart);
  return plan.change;
};

const changesOf = ({ cpus, memoryBytes, disks }: LiveChange, recorded: Recorded | undefined): readonly Change[] => {
  const from = recorded?.spec ?? {};
  return [
    ...(cpus === undefined ? [] : [{ path: "cpus", from: from["cpus"] ?? null, to: cpus }]),
    ...(memoryBytes === undefined ? [] : [{ path: "memoryBytes", from: from["memoryBytes"] ?? null, to: memoryBytes }]),
    ...(disks.length === 0 ? [] : [{ path: "disks", to: disks.map(({ serial }) => serial ?? "") }]),
  ];
};

/** New disks are made before the machine gets them. */
const stepsOf = (
  loaded: Loaded,
  machine: Machine,
  change: LiveChange,
  recorded: ReadonlyMap<ResourceId, Recorded>,
): readonly MachineStep[] => {
  const newDisks = machine.disks.slice(machine.disks.length - change.disks.length).map((disk) => diskId(machine.name, disk.name));
  const id = machineResourceId(machine.name);
  return [
    ...newDisks.map((disk) => ({ resource: desiredOf(loaded, disk), action: "create" as const, reason: "new", changes: [] })),
    {
      resource: desiredOf(loaded, id),
      action: "update",
      reason: "croft.yaml says so; it goes on running",
      changes: changesOf(change, recorded.get(id)),
    },
  ];
};

const machineOf = (loaded: Loaded, name: string): Machine => {
  const found = loaded.model.machines.find((machine) => machine.name === name);
  if (found === undefined) throw new CroftError("BUG", `${name} is no machine`);
  return found;
};

const sizeText = ({ cpus, memoryBytes }: Machine): string => `cpus: ${cpus}, memory: ${formatBytes(memoryBytes).replace(" ", "")}`;

const grow = async (loaded: Loaded, io: Io, options: RunOptions, machine: Machine): Promise<number> => {
  const change = await liveChange(loaded, machine.name);
  if (isNothing(change)) {
    if (!options.json) io.out(`Machine ${machine.name} is as croft.yaml says: ${sizeText(machine)}.`);
    return EXIT.ok;
  }
  const changed = await changeMachine(loaded, io, options, {
    action: "grow",
    steps: async (recorded) => stepsOf(loaded, machine, await liveChange(loaded, machine.name), recorded),
  });
  return changed.exitCode;
};

export type WantedSize = { readonly cpus: string | undefined; readonly memory: string | undefined };

const bytesOf = (text: string): number | undefined => {
  const parsed = parseSize(text);
  return parsed.ok ? parsed.value : undefined;
};

/** A size the file does not say would last until the next `up`. */
const refuseOther = (loaded: Loaded, machine: Machine, { cpus, memory }: WantedSize): void => {
  const refuse = (key: "cpus" | "memory", said: string, value: string): never => {
    const place = loaded.placeOf(["machines", machine.name, key]);
    throw new CroftError("USAGE", `${place} says ${key}: ${said} for machine ${machine.name}, not ${value}`, {
      hint: `write ${key}: ${value} there, then \`croft vm resize ${machine.name}\``,
    });
  };
  if (cpus !== undefined && Number(cpus) !== machine.cpus) refuse("cpus", String(machine.cpus), cpus);
  if (memory !== undefined && bytesOf(memory) !== machine.memoryBytes)
    refuse("memory", formatBytes(machine.memoryBytes).replace(" ", ""), memory);
};

export const resize = (loaded: Loaded, io: Io, options: RunOptions, name: string, wanted: WantedSize): Promise<number> => {
  const machine = machineOf(loaded, name);
  refuseOther(loaded, machine, wanted);
  return grow(loaded, io, options, machine);
};

export const addDisk = async (loaded: Loaded, io: Io, options: RunOptions, name: string, disk: string | undefined): Promise<number> => {
  const machine = machineOf(loaded, name);
  const names = machine.disks.map((each) => each.name);
  if (disk !== undefined && names.includes(disk)) return grow(loaded, io, options, machine);
  const place = loaded.placeOf(["machines", name, "disks"]);
  throw new CroftError("USAGE", disk === undefined ? "which disk? --disk NAME" : `machine ${name} has no disk \`${disk}\` in the file`, {
    hint:
      disk === undefined
        ? `disks of ${name}: ${names.join(", ") || "none"}`
        : `write disks: { ${disk}: 1GiB } at ${place}, then the same command again`,
  });
};
