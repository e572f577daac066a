/** Devices that are added to a VM: to its configuration while it is only created, to its bus while it runs. */
import type { PciDeviceAnswer } from "../../types.ts";
import type { DiskConfig, NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import { stored } from "./changes.ts";
import { deviceFailure, Failure } from "./failure.ts";
import type { Session } from "./session.ts";
import { FAILING, openPmem, openVsock, type Opened, type Pmem, type Vsock } from "./special.ts";
import { addVirtio, type VirtioType } from "./tree.ts";
import { validate } from "./validate.ts";
import { addBlock, addNet as openNet, lockDisk, type Vm } from "./vm.ts";

type Added = { readonly id?: string | undefined; readonly iommu?: boolean | undefined; readonly pci_segment: number };
type Lists = "disks" | "net" | "pmem" | "fs" | "generic_vhost_user" | "vdpa" | "devices" | "user_devices";
type Item<K extends Lists> = NonNullable<VmConfig[K]>[number];

const checkPlug = (config: VmConfig, vm: Vm, device: Added): void => {
  const { id } = device;
  if (id?.startsWith("__")) throw deviceFailure(`Invalid identifier: ${id}`);
  if (id !== undefined && vm.tree.nodes.has(id)) throw deviceFailure(`Invalid identifier as it is not unique: ${id}`);
  const shielded = config.platform?.iommu_segments?.includes(device.pci_segment) ?? false;
  if (device.iommu && !shielded) throw deviceFailure("Cannot hotplug device behind vIOMMU");
};

const withItem = <K extends Lists>(config: VmConfig, key: K, item: Item<K>): VmConfig => ({
  ...config,
  [key]: [...(config[key] ?? []), item],
});

/** Checks the configuration as it would become, before anything is opened. */
const checked = <K extends Lists>(config: VmConfig, key: K, item: Item<K>): VmConfig => {
  const changed = withItem(config, key, item);
  validate(changed);
  return changed;
};

const place = (
  vm: Vm,
  type: VirtioType,
  device: Added & { readonly pci_device_id?: number | undefined },
  resources: Opened<unknown>["resources"] = [],
): PciDeviceAnswer => {
  const id = device.id ?? "";
  return { id, bdf: addVirtio(vm.tree, id, type, { hotplug: true, slot: device.pci_device_id, segment: device.pci_segment, resources }) };
};

const lockHot = (session: Session, block: Parameters<typeof lockDisk>[1]): void => {
  try {
    lockDisk(session.host, block);
  } catch (error) {
    throw error instanceof Failure ? deviceFailure(...error.chain) : error;
  }
};

const plugDisk = async (session: Session, vm: Vm, disk: DiskConfig): Promise<PciDeviceAnswer> => {
  checkPlug(stored(session), vm, disk);
  const before = { blocks: vm.blocks, handles: vm.handles };
  try {
    const added = addBlock(session.host, vm, disk);
    const block = vm.blocks.at(-1);
    if (block !== undefined) lockHot(session, block);
    await session.engine.addDisk(added);
    const answer = place(vm, "block", added);
    session.config = withItem(stored(session), "disks", added);
    return answer;
  } catch (error) {
    vm.handles.filter((handle) => !before.handles.includes(handle)).forEach(session.host.closeDisk);
    Object.assign(vm, before);
    throw error;
  }
};

export const addDisk = async (session: Session, disk: DiskConfig): Promise<PciDeviceAnswer | undefined> => {
  const changed = checked(stored(session), "disks", disk);
  if (session.vm !== undefined) return plugDisk(session, session.vm, disk);
  session.config = changed;
  return undefined;
};

/** A guest that runs has what its engine gave it at boot; only where nobody runs anything can be shown. */
const needNobody = (session: Session, what: string): void => {
  if (session.engine.name !== "none") throw deviceFailure(`this engine adds ${what} only at boot`);
};

export const addNet = (session: Session, { fds: _ignored, ...rest }: NetConfig): PciDeviceAnswer | undefined => {
  const net = rest as NetConfig;
  const config = stored(session);
  const changed = checked(config, "net", net);
  const { vm } = session;
  if (vm === undefined) {
    session.config = changed;
    return undefined;
  }
  checkPlug(config, vm, net);
  needNobody(session, "network devices");
  const added = openNet(session.host, vm, net);
  const answer = place(vm, "net", added);
  session.config = withItem(config, "net", added);
  return answer;
};

export const addPmem = (session: Session, pmem: Pmem): PciDeviceAnswer | undefined => {
  const config = stored(session);
  const changed = checked(config, "pmem", pmem);
  const { vm } = session;
  if (vm === undefined) {
    session.config = changed;
    return undefined;
  }
  checkPlug(config, vm, pmem);
  needNobody(session, "persistent memory");
  const { device, resources } = openPmem(session.host, vm.tree, pmem);
  const answer = place(vm, "pmem", device, resources);
  session.config = withItem(config, "pmem", device);
  return answer;
};

export const addVsock = (session: Session, vsock: Vsock): PciDeviceAnswer | undefined => {
  const config = stored(session);
  if (config.vsock !== undefined) throw new Failure("Too many virtio-vsock devices");
  const changed = { ...config, vsock };
  validate(changed);
  const { vm } = session;
  if (vm === undefined) {
    session.config = changed;
    return undefined;
  }
  checkPlug(config, vm, vsock);
  needNobody(session, "vsock devices");
  const { device } = openVsock(session.host, vm.tree, vsock);
  const answer = place(vm, "vsock", device);
  session.config = { ...config, vsock: device };
  return answer;
};

/** Devices that another program or the host's hardware serves: kept for the next boot, or refused as where nobody serves them. */
export const addServed = <K extends keyof typeof FAILING>(session: Session, key: K, device: Item<K>): undefined => {
  const config = stored(session);
  const changed = checked(config, key, device);
  const { vm } = session;
  if (vm === undefined) {
    session.config = changed;
    return undefined;
  }
  checkPlug(config, vm, key === "fs" || key === "generic_vhost_user" ? { ...device, iommu: false } : device);
  const fail = FAILING[key] as (host: Session["host"], tree: Vm["tree"], device: Item<K>) => Error;
  throw fail(session.host, vm.tree, device);
};
