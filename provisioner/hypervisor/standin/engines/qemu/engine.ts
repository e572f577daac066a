/** A guest with a kernel of its own, emulated by QEMU: slow, and a whole machine. */
import { statSync } from "node:fs";
import type { DiskConfig } from "../../config/devices.ts";
import type { VmConfig } from "../../config/vm.ts";
import { deviceFailure, Failure } from "../../core/failure.ts";
import type { BootHooks, DeviceCounters, Engine } from "../../core/ports.ts";
import { bridgeOfTap, guestNetCounters } from "../interfaces.ts";
import { startGuest, type Guest } from "./guest.ts";
import { deviceDeleted, type Qmp } from "./qmp.ts";
import { resizeGuest } from "./sizes.ts";
import { blockDevice, blockNode, HOT_PORTS, qemuId } from "./words.ts";

type Running = {
  readonly guest: Guest;
  /** Ports of disks added later, by disk id. */
  readonly ports: Map<string, string>;
};

const UNPLUG_MS = 20_000;

const plug = async (qmp: Qmp, ports: Map<string, string>, disk: DiskConfig): Promise<void> => {
  const port = HOT_PORTS.find((name) => ![...ports.values()].includes(name));
  if (port === undefined) throw deviceFailure("Failed allocating a PCI slot", `this engine has ${HOT_PORTS.length} for disks added later`);
  await qmp.command("blockdev-add", blockNode(disk));
  try {
    await qmp.command("device_add", blockDevice(disk, port));
  } catch (error) {
    await qmp.command("blockdev-del", { "node-name": qemuId(disk.id) });
    throw error;
  }
  ports.set(disk.id ?? "", port);
};

/** Asks the guest and waits for it: only then is the file free. */
const unplug = async (qmp: Qmp, ports: Map<string, string>, disk: DiskConfig): Promise<void> => {
  const id = qemuId(disk.id);
  const gone = deviceDeleted(qmp, id, UNPLUG_MS);
  await Promise.all([qmp.command("device_del", { id }), gone]);
  await qmp.command("blockdev-del", { "node-name": id });
  ports.delete(disk.id ?? "");
};

type BlockStats = { readonly qdev?: string; readonly stats: Readonly<Record<string, number>> };
const COUNTERS = { read_bytes: "rd_bytes", read_ops: "rd_operations", write_bytes: "wr_bytes", write_ops: "wr_operations" } as const;

const blockCounters = (stats: readonly BlockStats[], disk: DiskConfig): Readonly<Record<string, bigint>> => {
  const found = stats.find(({ qdev }) => qdev?.split("/").includes(qemuId(disk.id)))?.stats ?? {};
  return Object.fromEntries(Object.entries(COUNTERS).map(([ours, theirs]) => [ours, BigInt(found[theirs] ?? 0)]));
};

const counters = async (config: VmConfig, qmp: Qmp): Promise<DeviceCounters> => {
  const stats = (await qmp.command("query-blockstats")) as readonly BlockStats[];
  const disks = (config.disks ?? []).map((disk) => [disk.id ?? "", blockCounters(stats, disk)] as const);
  const nets = (config.net ?? []).flatMap(({ id, tap }) => (tap === undefined ? [] : [[id ?? "", guestNetCounters(tap)] as const]));
  return Object.fromEntries([...disks, ...nets]);
};

export const makeQemuEngine = (apiSocket: string): Engine => {
  let running: Running | undefined;
  /** Set while the plug is being pulled: the guest's end is then no news. */
  let stopping = false;
  const get = (): Running => {
    if (running === undefined) throw new Failure("the guest is not running");
    return running;
  };
  const command = async (name: string): Promise<void> => void (await get().guest.qmp.command(name));
  return {
    name: "qemu",
    obeysUnplug: true,
    canSnapshot: false,
    boot: async (config, hooks) => {
      stopping = false;
      // QEMU would make a tap that is not there.
      for (const { tap } of config.net ?? []) if (tap !== undefined) bridgeOfTap(tap);
      const onEnd: BootHooks["onEnd"] = (end) => (stopping ? undefined : hooks.onEnd(end));
      running = { guest: await startGuest(config, apiSocket, { ...hooks, onEnd }), ports: new Map() };
    },
    shutdown: async () => {
      if (running === undefined) return;
      stopping = true;
      running.guest.child.kill("SIGKILL");
      await running.guest.exited;
      running = undefined;
    },
    powerButton: () => command("system_powerdown"),
    pause: () => command("stop"),
    resume: () => command("cont"),
    resize: (cpus, memoryBytes) => resizeGuest(get().guest.qmp, cpus, memoryBytes),
    addDisk: (disk) => plug(get().guest.qmp, get().ports, disk),
    removeDisk: (disk) => unplug(get().guest.qmp, get().ports, disk),
    resizeDisk: async (disk) => {
      const { size } = statSync(disk.path ?? "");
      await get().guest.qmp.command("block_resize", { "node-name": qemuId(disk.id), size });
    },
    counters: async (config) => (running === undefined ? {} : counters(config, running.guest.qmp)),
  };
};
