/** Devices beside disks and network: which a stand-in can show, and how the others fail to be opened. */
import { dirname } from "node:path";
import type { DeviceResource } from "../../types.ts";
import type { VmConfig } from "../config/vm.ts";
import { deviceFailure } from "./failure.ts";
import { isRefused, type Host } from "./ports.ts";
import { nextId, takeAnySlot, type Tree } from "./tree.ts";
import { takeWindow } from "./windows.ts";

type Of<K extends "pmem" | "fs" | "generic_vhost_user" | "vdpa" | "devices" | "user_devices"> = NonNullable<VmConfig[K]>[number];
export type Pmem = Of<"pmem">;
export type Vsock = NonNullable<VmConfig["vsock"]>;
export type Opened<T> = { readonly device: T; readonly resources: readonly DeviceResource[] };

const HUGE_PAGE = 2 * 1024 * 1024;

const pmemBytes = (host: Host, pmem: Pmem): number => {
  const folder = host.isFolder(pmem.file);
  if (folder && pmem.size === undefined) throw deviceFailure("Trying to use a directory for pmem but no size specified");
  const found = host.fileSize(pmem.file);
  if (isRefused(found)) throw deviceFailure("Cannot open persistent memory file", found.refused);
  return pmem.size ?? found;
};

/** Takes the range that the guest will see as memory. */
export const openPmem = (host: Host, tree: Tree, pmem: Pmem): Opened<Pmem> => {
  const id = pmem.id ?? nextId(tree, "_pmem");
  const size = pmemBytes(host, pmem);
  if (size % HUGE_PAGE !== 0) throw deviceFailure("Trying to use a size that is not multiple of 2MiB");
  const base = takeWindow(tree.wide, size, HUGE_PAGE);
  if (base === undefined) throw deviceFailure("Cannot find a memory range for persistent memory");
  return { device: { ...pmem, id }, resources: [{ MmioAddressRange: { base, size } }] };
};

export const openVsock = (host: Host, tree: Tree, vsock: Vsock): Opened<Vsock> => {
  const id = vsock.id ?? nextId(tree, "_vsock");
  const fail = (why: string): never => {
    throw deviceFailure("Cannot create virtio-vsock backend", "Error binding to the host-side Unix socket", why);
  };
  if (host.exists(vsock.socket)) fail("Address already in use (os error 98)");
  if (!host.isFolder(dirname(vsock.socket))) fail("No such file or directory (os error 2)");
  return { device: { ...vsock, id }, resources: [] };
};

/** Nobody answers behind the socket of a device that another program would serve. */
const unanswered = (host: Host, socket: string): string => host.canRead(socket)?.refused ?? "Connection refused (os error 111)";

/** A peer's failure, in front of which stands what was to be made of it. */
export const vhostFailure = (host: Host, device: string, socket: string): Error =>
  deviceFailure(`Cannot create ${device} device`, "Connection to socket failed", `can't connect to peer: ${unanswered(host, socket)}`);

/** How each kind fails that needs another program or the host's hardware. */
export const FAILING = {
  fs: (host: Host, tree: Tree, fs: Of<"fs">): Error => {
    if (fs.id === undefined) nextId(tree, "_fs");
    return vhostFailure(host, "virtio-fs", fs.socket);
  },
  generic_vhost_user: (host: Host, tree: Tree, device: Of<"generic_vhost_user">): Error => {
    if (device.id === undefined) nextId(tree, "_generic_vhost_user");
    return vhostFailure(host, "generic vhost-user", device.socket);
  },
  vdpa: (host: Host, tree: Tree, vdpa: Of<"vdpa">): Error => {
    if (vdpa.id === undefined) nextId(tree, "_vdpa");
    const why = host.canRead(vdpa.path)?.refused ?? "Inappropriate ioctl for device (os error 25)";
    return deviceFailure("Cannot create vdpa device", "Failed to create vhost-vdpa", `failure in opening vhost file: ${why}`);
  },
  user_devices: (host: Host, tree: Tree, device: Of<"user_devices">): Error => {
    if (device.id === undefined) nextId(tree, "_vfio_user");
    takeAnySlot(tree, device.pci_segment, device.pci_device_id);
    const why = unanswered(host, device.socket);
    return deviceFailure("Failed to create vfio-user client", `Error connecting: ${why}`, why);
  },
  devices: (host: Host, tree: Tree, device: Of<"devices">): Error => {
    if (device.id === undefined) nextId(tree, "_vfio");
    takeAnySlot(tree, device.pci_segment, device.pci_device_id);
    const why = host.canRead("/dev/vfio/vfio")?.refused ?? "No such device (os error 19)";
    return deviceFailure("Cannot create a VFIO device", `failed to open /dev/vfio/vfio container: ${why}`, why);
  },
} as const;
