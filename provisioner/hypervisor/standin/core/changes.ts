/** Changes of a VM, created or running: sizes, disks, network devices, removal. */
import type { DiskConfig, NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import type { PciDeviceAnswer } from "../../types.ts";
import { deviceFailure, Failure, notCreated, unknownDevice } from "./failure.ts";
import { resizeCpus, resizeMemory } from "./resize.ts";
import type { Session } from "./session.ts";
import { addVirtio, ejectVirtio, nextId } from "./tree.ts";
import { validate } from "./validate.ts";
import { addBlock, lockDisk, type Vm } from "./vm.ts";

type Sizes = { readonly [K in "desired_vcpus" | "desired_ram" | "desired_balloon"]: number | undefined };

const stored = (session: Session): VmConfig => {
  if (session.config === undefined) throw notCreated();
  return session.config;
};

const resizeStored = (config: VmConfig, sizes: Sizes): VmConfig => ({
  ...config,
  cpus: { ...config.cpus, boot_vcpus: sizes.desired_vcpus ?? config.cpus.boot_vcpus },
  memory: { ...config.memory, size: sizes.desired_ram ?? config.memory.size },
  ...(config.balloon === undefined ? {} : { balloon: { ...config.balloon, size: sizes.desired_balloon ?? config.balloon.size } }),
});

export const resize = async (session: Session, sizes: Sizes): Promise<void> => {
  const config = stored(session);
  const { vm } = session;
  if (vm === undefined) {
    session.config = resizeStored(config, sizes);
    return;
  }
  session.emit("vm", "resizing");
  if (sizes.desired_vcpus !== undefined) session.config = resizeCpus(vm, stored(session), sizes.desired_vcpus, session.engine.obeysUnplug);
  if (sizes.desired_ram !== undefined) session.config = resizeMemory(vm, stored(session), sizes.desired_ram);
  if (sizes.desired_balloon !== undefined) {
    if (config.balloon === undefined) throw deviceFailure("Missing virtio-balloon, can't proceed as expected");
    session.config = { ...stored(session), balloon: { ...config.balloon, size: sizes.desired_balloon } };
  }
  await session.engine.resize(vm.presentCpus, vm.currentRam);
  session.emit("vm", "resized");
};

export const resizeZone = (session: Session, id: string, bytes: number): void => {
  const config = stored(session);
  const zones = config.memory.zones ?? [];
  if (session.vm !== undefined || !zones.some((zone) => zone.id === id)) throw new Failure("Failed resizing a memory zone");
  const changed = zones.map((zone) => (zone.id === id ? { ...zone, size: bytes } : zone));
  session.config = { ...config, memory: { ...config.memory, zones: changed } };
};

export const resizeDisk = async (session: Session, id: string, bytes: number): Promise<void> => {
  const config = stored(session);
  if (session.vm === undefined) throw new Failure("Failed resizing a disk image");
  const block = session.vm.blocks.find((other) => other.id === id);
  if (block === undefined) throw unknownDevice(id);
  if (bytes % 512 !== 0) throw deviceFailure("Disk resize error", "Disk image size is not a multiple of 512");
  const answer = session.host.resizeDisk(block.handle, bytes);
  if (answer !== undefined)
    throw deviceFailure("Disk resize error", "Disk resize failed", `I/O error (path=${block.path} op=resize)`, answer.refused);
  const disk = config.disks?.find((other) => other.id === id);
  if (disk !== undefined) await session.engine.resizeDisk(disk);
};

const checkId = (vm: Vm, id: string | undefined): void => {
  if (id?.startsWith("__")) throw deviceFailure(`Invalid identifier: ${id}`);
  if (id !== undefined && vm.tree.nodes.has(id)) throw deviceFailure(`Invalid identifier as it is not unique: ${id}`);
};

const plugDisk = async (session: Session, vm: Vm, disk: DiskConfig): Promise<PciDeviceAnswer> => {
  checkId(vm, disk.id);
  const before = { blocks: vm.blocks, handles: vm.handles };
  try {
    const added = addBlock(session.host, vm, disk);
    const block = vm.blocks.at(-1);
    if (block !== undefined) lockHot(session, block);
    await session.engine.addDisk(added);
    const id = added.id ?? "";
    const bdf = addVirtio(vm.tree, id, "block", { hotplug: true, slot: added.pci_device_id, segment: added.pci_segment });
    session.config = { ...stored(session), disks: [...(stored(session).disks ?? []), added] };
    return { id, bdf };
  } catch (error) {
    vm.handles.filter((handle) => !before.handles.includes(handle)).forEach(session.host.closeDisk);
    Object.assign(vm, before);
    throw error;
  }
};

const lockHot = (session: Session, block: Parameters<typeof lockDisk>[1]): void => {
  try {
    lockDisk(session.host, block);
  } catch (error) {
    throw error instanceof Failure ? deviceFailure(...error.chain) : error;
  }
};

export const addDisk = async (session: Session, disk: DiskConfig): Promise<PciDeviceAnswer | undefined> => {
  const config = stored(session);
  const changed = { ...config, disks: [...(config.disks ?? []), disk] };
  validate(changed);
  if (session.vm !== undefined) return plugDisk(session, session.vm, disk);
  session.config = changed;
  return undefined;
};

export const addNet = (session: Session, net: NetConfig): PciDeviceAnswer | undefined => {
  const config = stored(session);
  const changed = { ...config, net: [...(config.net ?? []), net] };
  validate(changed);
  const { vm } = session;
  if (vm === undefined) {
    session.config = changed;
    return undefined;
  }
  checkId(vm, net.id);
  if (session.engine.name !== "none")
    throw deviceFailure("Cannot create virtio-net device", "this engine adds network devices only at boot");
  const id = net.id ?? nextId(vm.tree, "_net");
  const bdf = addVirtio(vm.tree, id, "net", { hotplug: true, slot: net.pci_device_id, segment: net.pci_segment });
  session.config = { ...config, net: [...(config.net ?? []), { ...net, id }] };
  return { id, bdf };
};

/** Kinds of devices a running stand-in does not have: kept for the next boot. */
export const addOther = (
  session: Session,
  key: "fs" | "pmem" | "vdpa" | "devices" | "user_devices" | "generic_vhost_user" | "vsock",
  device: unknown,
): undefined => {
  const config = stored(session);
  if (key === "vsock" && config.vsock !== undefined) throw new Failure("Too many virtio-vsock devices");
  const changed = { ...config, [key]: key === "vsock" ? device : [...(config[key] ?? []), device] } as VmConfig;
  validate(changed);
  if (session.vm !== undefined) throw deviceFailure("this engine has no such device");
  session.config = changed;
  return undefined;
};

type Lists = "disks" | "net" | "fs" | "pmem" | "vdpa" | "devices" | "user_devices" | "generic_vhost_user";
const LISTS: readonly Lists[] = ["devices", "user_devices", "disks", "fs", "generic_vhost_user", "net", "pmem", "vdpa"];

const withoutDevice = (config: VmConfig, id: string): VmConfig | undefined => {
  const has = (key: Lists): boolean => (config[key] ?? []).some((device) => device.id === id);
  if (config.vsock?.id === id) {
    const { vsock: _gone, ...rest } = config;
    return rest as VmConfig;
  }
  if (!LISTS.some(has)) return undefined;
  const changed = LISTS.filter(has).map((key) => [key, (config[key] ?? []).filter((device) => device.id !== id)]);
  return { ...config, ...Object.fromEntries(changed) } as VmConfig;
};

const REMOVABLE = ["net", "block", "pmem", "fs", "vsock"];

/** The guest obeyed: the device is gone, its id and lock are free again. */
const eject = async (session: Session, vm: Vm, id: string, disk: DiskConfig | undefined, handle: number | undefined): Promise<void> => {
  if (disk !== undefined) await session.engine.removeDisk(disk);
  const bdf = ejectVirtio(vm.tree, id);
  if (handle !== undefined) session.host.closeDisk(handle);
  vm.handles = vm.handles.filter((other) => other !== handle);
  session.emit("vm", "device-removed", { id, bdf: bdf ?? "" });
};

const unplug = async (session: Session, vm: Vm, id: string): Promise<void> => {
  const config = stored(session);
  const node = vm.tree.nodes.get(id);
  if (node === undefined) throw unknownDevice(id);
  const block = vm.blocks.find((other) => other.id === id);
  vm.blocks = vm.blocks.filter((other) => other !== block);
  const device = node.pci_bdf === undefined ? id : (node.children[0] ?? id);
  const type = vm.tree.types.get(device);
  if (type === undefined) throw deviceFailure("Could not find the node in the device tree");
  if (!REMOVABLE.includes(type)) throw deviceFailure(`Not allowed to remove this type of device from the VM: ${type}`);
  const changed = withoutDevice(config, id);
  if (changed === undefined) throw unknownDevice(id);
  session.config = changed;
  const disk = config.disks?.find((other) => other.id === id);
  if (session.engine.obeysUnplug) await eject(session, vm, id, disk, block?.handle);
};

export const removeDevice = async (session: Session, id: string): Promise<void> => {
  if (session.vm !== undefined) return unplug(session, session.vm, id);
  const changed = withoutDevice(stored(session), id);
  if (changed === undefined) throw new Failure(`No device with id ${JSON.stringify(id)} to remove`);
  session.config = changed;
};
