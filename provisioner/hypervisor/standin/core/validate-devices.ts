/** Rules that single devices of a VmConfig must obey, in the order the real program checks them. */
import type { DiskConfig, NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import { Failure } from "./failure.ts";

export const refuse = (message: string): never => {
  throw new Failure("Failed to validate config", message);
};
export const check = (good: boolean, message: string): void => void (good || refuse(message));

export type Pci = { readonly iommu?: boolean | undefined; readonly pci_segment: number; readonly pci_device_id?: number | undefined };

export const isPowerOfTwo = (value: number): boolean => value > 0 && Math.log2(value) % 1 === 0;

export const checkPci = (device: Pci, config: VmConfig): void => {
  check(device.pci_segment < (config.platform?.num_pci_segments ?? 1), `Invalid PCI segment id: ${device.pci_segment}`);
  if (config.platform?.iommu_segments?.includes(device.pci_segment) && device.iommu !== true)
    refuse(`Device is on an IOMMU PCI segment (${device.pci_segment}) but not placed behind IOMMU`);
  const slot = device.pci_device_id;
  if (slot === undefined) return;
  check(slot < 32, `Given PCI device ID (${slot}) is out of the supported range of 0..32`);
  check(slot !== 0, `Given PCI device ID (${slot}) is reserved`);
};

export const checkQueueSize = (size: number): void =>
  check(isPowerOfTwo(size), `Queue size must be a power of 2 no greater than 32768: ${size}`);

export const sharedMemory = (config: VmConfig): boolean =>
  config.memory.shared ||
  config.memory.hugepages ||
  (config.memory.size === 0 && (config.memory.zones ?? []).every((zone) => zone.shared || zone.hugepages));

const checkGroup = (config: VmConfig, group: string | undefined): void => {
  if (group === undefined) return;
  check(config.rate_limit_groups?.some((other) => other.id === group) ?? false, "Invalid rate-limiter group");
};

const checkVhost = (
  device: { readonly vhost_user: boolean; readonly vhost_socket?: string | undefined },
  limited: boolean,
  config: VmConfig,
): void => {
  if (!device.vhost_user) return;
  check(sharedMemory(config), "Using vhost-user requires using shared memory or huge pages");
  check(device.vhost_socket !== undefined, "No socket provided when using vhost-user");
  check(!limited, "Rate limiting is not supported with vhost-user");
};

export const checkDisk = (disk: DiskConfig, config: VmConfig): void => {
  check(disk.vhost_socket === undefined || disk.path === undefined, "Disk path and vhost socket both provided");
  checkVhost(disk, disk.rate_limiter_config !== undefined || disk.rate_limit_group !== undefined, config);
  checkGroup(config, disk.rate_limit_group);
  checkPci(disk, config);
  check(
    disk.num_queues <= config.cpus.boot_vcpus,
    `Queue count (${disk.num_queues}) must not exceed boot vCPUs (${config.cpus.boot_vcpus})`,
  );
  checkQueueSize(disk.queue_size);
  check(disk.queue_size > 2, `Block queue size must be greater than 2: ${disk.queue_size}`);
  check(!disk.vhost_user || disk.iommu !== true, "Device does not support being placed behind IOMMU");
  check(disk.rate_limiter_config === undefined || disk.rate_limit_group === undefined, "Invalid rate-limiter group");
  const length = Buffer.byteLength(disk.serial ?? "");
  check(length <= 20, `Block device serial length (${length}) exceeds maximum allowed length (20)`);
};

export const checkNet = (net: NetConfig, config: VmConfig): void => {
  checkVhost(net, net.rate_limiter_config !== undefined, config);
  checkPci(net, config);
  check(net.num_queues >= 2, `Number of queues (${net.num_queues}) to virtio_net should be higher than 2`);
  const pairs = Math.floor(net.num_queues / 2);
  check(pairs <= config.cpus.boot_vcpus, `Queue count (${net.num_queues}) must not exceed boot vCPUs (${config.cpus.boot_vcpus})`);
  checkQueueSize(net.queue_size);
  check(!net.vhost_user || net.iommu !== true, "Device does not support being placed behind IOMMU");
  check(net.mtu === undefined || net.mtu >= 1280, `Provided MTU ${net.mtu} is lower than 1280 (expected by VIRTIO specification)`);
  check(net.offload_csum || !(net.offload_tso || net.offload_ufo), '"offload_tso" and "offload_ufo" depend on "offload_csum"');
  check(net.mask === undefined || net.ip !== undefined, "Mask provided without an IP");
  check(net.ip === undefined || net.mask !== undefined, "IP provided without a mask");
};

export const checkFs = (fs: NonNullable<VmConfig["fs"]>[number], config: VmConfig): void => {
  check(fs.num_queues <= config.cpus.boot_vcpus, `Queue count (${fs.num_queues}) must not exceed boot vCPUs (${config.cpus.boot_vcpus})`);
  checkQueueSize(fs.queue_size);
  checkNoIommu(fs);
};

export const checkNoIommu = (device: Pci): void => check(device.iommu !== true, "Device does not support being placed behind IOMMU");

/** A file descriptor cannot come with a request over this API, so a path is the only way. */
export const checkPassthrough = (device: NonNullable<VmConfig["devices"]>[number], config: VmConfig): void => {
  check(device.path !== undefined, "VFIO device config must specify `path=` or `fd=`");
  if (device.x_nv_gpudirect_clique !== undefined)
    check(config.platform?.vfio_p2p_dma ?? true, "Device with x_nv_gpudirect_clique requires vfio_p2p_dma=on");
  const bar = device.x_exclude_mmap_bars.find((index) => index > 5);
  check(bar === undefined, `Invalid VFIO excluded-mmap BAR index: ${bar}`);
};
