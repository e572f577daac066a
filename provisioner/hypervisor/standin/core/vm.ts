/** One booted VM: its devices, locks and sizes. Made by `vm.boot`, dropped by `vm.shutdown`. */
import { randomMac, type DiskConfig, type NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import type { VmState } from "../../types.ts";
import { deviceFailure, Failure } from "./failure.ts";
import { isRefused, type Host } from "./ports.ts";
import { growingZones } from "./memory.ts";
import { vhostFailure } from "./special.ts";
import { makeTree, nextId, type Tree } from "./tree.ts";

export type Block = { readonly id: string; readonly handle: number; readonly readonly: boolean; readonly path: string };

export type Vm = {
  state: VmState;
  readonly tree: Tree;
  /** Disks that can be resized; a disk being unplugged has left this list and keeps its lock. */
  blocks: readonly Block[];
  /** Every open disk, for closing. */
  handles: readonly number[];
  presentCpus: number;
  /** A smaller number was asked for and the guest has not let go yet. */
  removingCpus: boolean;
  currentRam: number;
  pluggedRam: number;
  pluggedSlots: number;
  /** By zone: the size beyond boot that virtio-mem was asked for. */
  readonly growing: Map<string, number>;
};

/** The configuration travels along, because opening devices fills in ids and types. */
export type Assembly = { config: VmConfig; readonly vm: Vm };

/** The file opens and is what it is said to be; the configuration gets its type where none was given. */
const openDisk = (host: Host, vm: Vm, disk: DiskConfig): DiskConfig => {
  if (disk.vhost_user) throw vhostFailure(host, "vhost-user-blk", disk.vhost_socket ?? "");
  if (disk.path === undefined) throw deviceFailure("No disk path was specified when one was expected");
  const opened = host.openDisk(disk.path, disk.readonly);
  if (isRefused(opened)) throw deviceFailure("Cannot open disk path", `I/O error (path=${disk.path} op=open)`, opened.refused);
  vm.handles = [...vm.handles, opened.handle];
  if (disk.image_type !== "Unknown" && disk.image_type !== opened.type) {
    const words = { Raw: "raw", Qcow2: "qcow2", FixedVhd: "vhd", Vhdx: "vhdx", Unknown: "unknown" } as const;
    throw deviceFailure(
      `Disk image type does not match expected type: specified = ${words[disk.image_type]}, detected = ${words[opened.type]}`,
    );
  }
  vm.blocks = [...vm.blocks, { id: disk.id ?? "", handle: opened.handle, readonly: disk.readonly, path: disk.path }];
  const backing = disk.image_type === "Unknown" && opened.type === "Qcow2" ? { backing_files: false } : {};
  return { ...disk, ...backing, image_type: opened.type };
};

export const lockDisk = (host: Host, block: Block): void => {
  if (host.lockDisk(block.handle, !block.readonly)) return;
  const kind = block.readonly ? "Read" : "Write";
  throw new Failure(
    "Cannot lock images of all block devices",
    `Failed to get ${kind} lock for disk image: ${block.path}`,
    "The file is already locked",
  );
};

/** Opens one disk and gives it an id. */
export const addBlock = (host: Host, vm: Vm, disk: DiskConfig): DiskConfig =>
  openDisk(host, vm, { ...disk, id: disk.id ?? nextId(vm.tree, "_disk") });

const LONGEST_INTERFACE = 15;

/** Names the device; a tap that is not there yet would be made with an address of its own. */
export const addNet = (host: Host, vm: Vm, net: NetConfig): NetConfig => {
  const id = net.id ?? nextId(vm.tree, "_net");
  if (net.vhost_user) throw vhostFailure(host, "vhost-user-net", net.vhost_socket ?? "");
  const refuse = (why: string): never => {
    throw deviceFailure("Cannot create virtio-net device", "Failed to open taps", "Open tap device failed", why);
  };
  if ((net.tap ?? "").length > LONGEST_INTERFACE) refuse(`Interface name too long (max length is ${LONGEST_INTERFACE}): ${net.tap}`);
  return { ...net, id, host_mac: net.host_mac ?? (net.tap === undefined ? undefined : host.tapMac(net.tap)) ?? randomMac() };
};

export const startAssembly = (config: VmConfig): Assembly => ({
  config,
  vm: {
    state: "Created",
    tree: makeTree(config),
    blocks: [],
    handles: [],
    presentCpus: config.cpus.boot_vcpus,
    removingCpus: false,
    currentRam: config.memory.size,
    pluggedRam: 0,
    pluggedSlots: 0,
    growing: new Map(growingZones(config)),
  },
});

/** The last steps before the guest runs; a failure here leaves a VM object behind. */
export const prepareBoot = (host: Host, { config, vm }: Assembly): void => {
  for (const block of vm.blocks) {
    try {
      lockDisk(host, block);
    } catch (error) {
      if (error instanceof Failure) throw new Failure("Error locking disk images: Another instance likely holds a lock", ...error.chain);
      throw error;
    }
  }
  const files = [
    ["Cannot open kernel file", config.payload?.kernel],
    ["Cannot open initramfs file", config.payload?.initramfs],
    ["Error manipulating firmware file", config.payload?.firmware],
  ] as const;
  for (const [message, path] of files) {
    const answer = path === undefined ? undefined : host.canRead(path);
    if (answer !== undefined) throw new Failure(message, answer.refused);
  }
};

export const closeDisks = (host: Host, vm: Vm): void => vm.handles.forEach(host.closeDisk);
