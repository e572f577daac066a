/** One booted VM: its devices, locks and sizes. Made by `vm.boot`, dropped by `vm.shutdown`. */
import type { DiskConfig, NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import type { VmState } from "../../types.ts";
import { deviceFailure, Failure } from "./failure.ts";
import { isRefused, type Host } from "./ports.ts";
import { addVirtio, makeTree, nextId, type Tree } from "./tree.ts";

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
};

/** The configuration travels along, because opening devices fills in ids and types. */
export type Assembly = { config: VmConfig; readonly vm: Vm };

/** The file opens and is what it is said to be; the configuration gets its type where none was given. */
const openDisk = (host: Host, vm: Vm, disk: DiskConfig): DiskConfig => {
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

const addNet = (host: Host, vm: Vm, net: NetConfig): NetConfig => {
  const id = net.id ?? nextId(vm.tree, "_net");
  const hostMac = net.host_mac ?? (net.tap === undefined ? undefined : host.tapMac(net.tap));
  return { ...net, id, ...(hostMac === undefined ? {} : { host_mac: hostMac }) };
};

const without = <K extends "disks" | "net">(config: VmConfig, key: K): VmConfig => {
  const { [key]: _gone, ...rest } = config;
  return rest as VmConfig;
};

/** The disks leave the configuration while they are opened: a failure loses them, as in the real program. */
const openDisks = (host: Host, assembly: Assembly): void => {
  const disks = assembly.config.disks;
  if (disks === undefined) return;
  assembly.config = without(assembly.config, "disks");
  assembly.config = { ...assembly.config, disks: disks.map((disk) => addBlock(host, assembly.vm, disk)) };
};

const openNets = (host: Host, assembly: Assembly): void => {
  const nets = assembly.config.net;
  if (nets === undefined) return;
  assembly.config = { ...without(assembly.config, "net"), net: nets.map((net) => addNet(host, assembly.vm, net)) };
};

const placeDevices = ({ config, vm: { tree } }: Assembly): void => {
  const place = (
    id: string,
    type: Parameters<typeof addVirtio>[2],
    device: { readonly pci_device_id?: number | undefined; readonly pci_segment?: number } = {},
  ): void => void addVirtio(tree, id, type, { hotplug: false, slot: device.pci_device_id, segment: device.pci_segment ?? 0 });
  if (config.console.mode !== "Off") place("__console", "console");
  for (const disk of config.disks ?? []) place(disk.id ?? "", "block", disk);
  for (const net of config.net ?? []) place(net.id ?? "", "net", net);
  place("__rng", "rng");
  if (config.vsock !== undefined) place(config.vsock.id ?? "", "vsock", config.vsock);
  if (config.balloon !== undefined) place("__balloon", "balloon");
  if (config.watchdog) place("__watchdog", "watchdog");
  if (config.rtc !== undefined) place("__rtc", "rtc");
  if (config.iommu) place("__iommu", "iommu");
};

const nameVsock = (assembly: Assembly): void => {
  const { vsock } = assembly.config;
  if (vsock === undefined) return;
  assembly.config = { ...assembly.config, vsock: { ...vsock, id: vsock.id ?? nextId(assembly.vm.tree, "_vsock") } };
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
  },
});

/** Opens every device. On failure `assembly.config` is what is left of the configuration. */
export const assemble = (host: Host, assembly: Assembly): void => {
  openDisks(host, assembly);
  openNets(host, assembly);
  nameVsock(assembly);
  placeDevices(assembly);
};

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
