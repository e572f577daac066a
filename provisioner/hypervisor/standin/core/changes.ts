/** Changes of a VM, created or running: sizes and removal. */
import type { DiskConfig, ImageType } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import { deviceFailure, Failure, notCreated, unknownDevice } from "./failure.ts";
import { belowBoot, growZone, memoryFailure } from "./memory.ts";
import { resizeCpus, resizeMemory } from "./resize.ts";
import type { Session } from "./session.ts";
import { ejectVirtio } from "./tree.ts";
import type { Vm } from "./vm.ts";

type Sizes = { readonly [K in "desired_vcpus" | "desired_ram" | "desired_balloon"]: number | undefined };

export const stored = (session: Session): VmConfig => {
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

const zoneFailure = (): Failure => new Failure("Failed resizing a memory zone");

/** Zones of a running VM grow and shrink by virtio-mem, never below what they had at boot. */
export const resizeZone = (session: Session, id: string, bytes: number): void => {
  const config = stored(session);
  const zone = config.memory.zones?.find((other) => other.id === id);
  if (zone === undefined) throw zoneFailure();
  if (session.vm !== undefined) {
    if (config.memory.size !== 0) throw memoryFailure("Resizing the memory zone failed");
    if (bytes < zone.size) throw belowBoot(bytes, zone.size);
    growZone(session.vm.growing, id, bytes - zone.size, zone.hotplug_size);
  }
  const changed = session.vm === undefined ? { ...zone, size: bytes } : { ...zone, hotplugged_size: bytes - zone.size };
  const zones = (config.memory.zones ?? []).map((other) => (other === zone ? changed : other));
  session.config = { ...config, memory: { ...config.memory, zones } };
};

const resizeFailure = (kind: string, why: string): Failure =>
  deviceFailure("Disk resize error", "Disk resize failed", kind, "Resize failed", why);

/** Formats whose size is inside the file; the real program grows qcow2, which nobody here could do. */
const NOT_RESIZED: Readonly<Partial<Record<ImageType, readonly [string, string]>>> = {
  Qcow2: ["I/O error (op=resize)", "the stand-in resizes raw disks only"],
  FixedVhd: ["Unsupported feature (op=resize)", "resize not supported for fixed VHD"],
  Vhdx: ["Unsupported feature (op=resize)", "resize not supported for VHDX"],
};

export const resizeDisk = async (session: Session, id: string, bytes: number): Promise<void> => {
  const config = stored(session);
  if (session.vm === undefined) throw new Failure("Failed resizing a disk image");
  const block = session.vm.blocks.find((other) => other.id === id);
  if (block === undefined) throw unknownDevice(id);
  if (bytes % 512 !== 0) throw deviceFailure("Disk resize error", "Disk image size is not a multiple of 512");
  const disk = config.disks?.find((other) => other.id === id);
  const refused = NOT_RESIZED[disk?.image_type ?? "Raw"];
  if (refused !== undefined) throw resizeFailure(...refused);
  const answer = session.host.resizeDisk(block.handle, bytes);
  if (answer !== undefined) throw resizeFailure("I/O error", answer.refused);
  if (disk !== undefined) await session.engine.resizeDisk(disk);
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
