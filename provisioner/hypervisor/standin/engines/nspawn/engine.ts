/** A guest as a systemd-nspawn container on raw disks, with a machine's network, console, size and endings. */
import { spawn, type ChildProcess } from "node:child_process";
import type { DiskConfig } from "../../config/devices.ts";
import type { VmConfig } from "../../config/vm.ts";
import { Failure } from "../../core/failure.ts";
import type { BootHooks, DeviceCounters, Engine } from "../../core/ports.ts";
import { ensureCgroups, type Cgroups } from "./cgroups.ts";
import { findGuestInit, hostFacts, readCounters } from "./facts.ts";
import { clearGuest, startGuest, stopGuest, type Guest } from "./guest.ts";
import { plug, refresh, unplug } from "./hotplug.ts";
import { planGuest } from "./plan.ts";
import { guestName } from "../../../../model/names.ts";
import type { GuestPlan } from "./script.ts";

/** systemd's words for "power off", sent to its process 1. */
const POWER_OFF_SIGNAL = 34 + 4;
const INIT_MS = 5000;

type Running = {
  readonly guest: Guest;
  readonly cgroups: Cgroups;
  /** Descriptors of disks added later, by id. */
  readonly plugged: Map<string, number>;
  /** Loop devices count on from their earlier users: what they showed first, by disk id. */
  readonly baseline: Map<string, Readonly<Record<string, bigint>>>;
  thawer: ChildProcess | undefined;
};

/** A frozen v1 group cannot be killed: this helper thaws it when the program dies and its pipe closes. */
const startThawer = ({ file, text }: Cgroups["thawing"]): ChildProcess =>
  spawn("sh", ["-c", 'cat >/dev/null; echo "$2" > "$1"', "sh", file, text], { stdio: ["pipe", "ignore", "ignore"], detached: true });

const waitForInit = async (cgroups: Cgroups): Promise<number> => {
  const until = Date.now() + INIT_MS;
  for (;;) {
    const init = findGuestInit(cgroups.processes());
    if (init !== undefined) return init;
    if (Date.now() > until) throw new Failure("the guest has no process 1");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const thaw = (running: Running): void => {
  running.thawer?.stdin?.end();
  running.thawer = undefined;
  running.cgroups.thaw();
};

const countersSince = (running: Running, disk: DiskConfig): Readonly<Record<string, bigint>> => {
  const values = readCounters.block(disk.path ?? "");
  const first = running.baseline.get(disk.id ?? "") ?? {};
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value - (first[name] ?? 0n)]));
};

const counters = (config: VmConfig, running: Running): DeviceCounters => {
  const disks = (config.disks ?? []).map((disk) => [disk.id ?? "", countersSince(running, disk)] as const);
  const { network } = running.guest.plan;
  const net = network === undefined ? [] : [[config.net?.[0]?.id ?? "", readCounters.net(network.veth)] as const];
  return Object.fromEntries([...disks, ...net]);
};

/** Groups of this name as new, once everything that a killed program left in them is gone. */
const freshCgroups = async (apiSocket: string, config: VmConfig): Promise<{ readonly cgroups: Cgroups; readonly plan: GuestPlan }> => {
  const name = guestName(apiSocket);
  const stale = ensureCgroups(name);
  const plan = planGuest(config, apiSocket, { cgroups: stale.folders, ownTree: stale.ownTree }, hostFacts);
  await clearGuest(plan, stale);
  stale.remove();
  return { cgroups: ensureCgroups(name), plan };
};

const start = async (apiSocket: string, config: VmConfig, hooks: BootHooks): Promise<Running> => {
  const { cgroups, plan } = await freshCgroups(apiSocket, config);
  cgroups.setSize(config.cpus.boot_vcpus, config.memory.size);
  try {
    const guest = await startGuest(plan, hooks);
    const baseline = new Map((config.disks ?? []).map((disk) => [disk.id ?? "", readCounters.block(disk.path ?? "")]));
    return { guest, cgroups, plugged: new Map(), baseline, thawer: undefined };
  } catch (error) {
    await clearGuest(plan, cgroups);
    cgroups.remove();
    throw error;
  }
};

export const makeNspawnEngine = (apiSocket: string): Engine => {
  let running: Running | undefined;
  /** Set while the plug is being pulled: the guest's end is then no news. */
  let stopping = false;
  const get = (): Running => {
    if (running === undefined) throw new Failure("the guest is not running");
    return running;
  };
  const shutdown = async (): Promise<void> => {
    if (running === undefined) return;
    const { guest, cgroups, plugged } = running;
    stopping = true;
    plugged.forEach((handle, id) => unplug(undefined, { id } as DiskConfig, handle));
    running.thawer?.stdin?.end();
    await stopGuest(guest, cgroups);
    cgroups.remove();
    running = undefined;
  };
  return {
    name: "nspawn",
    obeysUnplug: true,
    canSnapshot: false,
    boot: async (config, hooks) => {
      stopping = false;
      const onEnd: BootHooks["onEnd"] = (end) => (stopping ? undefined : hooks.onEnd(end));
      running = await start(apiSocket, config, { ...hooks, onEnd });
    },
    shutdown,
    powerButton: async () => void process.kill(await waitForInit(get().cgroups), POWER_OFF_SIGNAL),
    pause: async () => {
      const now = get();
      now.thawer = startThawer(now.cgroups.thawing);
      now.cgroups.freeze();
    },
    resume: async () => thaw(get()),
    resize: async (cpus, memoryBytes) => get().cgroups.setSize(cpus, memoryBytes),
    addDisk: async (disk) => {
      const { plugged, baseline, cgroups } = get();
      plugged.set(disk.id ?? "", plug(await waitForInit(cgroups), disk));
      baseline.set(disk.id ?? "", readCounters.block(disk.path ?? ""));
    },
    removeDisk: async (disk) => {
      const { cgroups, plugged } = get();
      unplug(findGuestInit(cgroups.processes()), disk, plugged.get(disk.id ?? ""));
      plugged.delete(disk.id ?? "");
    },
    resizeDisk: async (disk) => refresh(disk),
    counters: async (config) => (running === undefined ? {} : counters(config, running)),
  };
};
