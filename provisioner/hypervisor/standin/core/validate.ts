/** The rules a VmConfig must obey before it can boot, in the order the real program checks them. */
import type { DiskConfig, NetConfig } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";
import { Failure } from "./failure.ts";
import { checkNuma, checkPlatform, totalMemory } from "./validate-platform.ts";

const refuse = (message: string): never => {
  throw new Failure("Failed to validate config", message);
};
const check = (good: boolean, message: string): void => void (good || refuse(message));

type Pci = { readonly iommu?: boolean | undefined; readonly pci_segment: number; readonly pci_device_id?: number | undefined };

const isPowerOfTwo = (value: number): boolean => value > 0 && Math.log2(value) % 1 === 0;

const checkPci = (device: Pci, config: VmConfig): void => {
  check(device.pci_segment < (config.platform?.num_pci_segments ?? 1), `Invalid PCI segment id: ${device.pci_segment}`);
  if (config.platform?.iommu_segments?.includes(device.pci_segment) && device.iommu !== true)
    refuse(`Device is on an IOMMU PCI segment (${device.pci_segment}) but not placed behind IOMMU`);
  const slot = device.pci_device_id;
  if (slot === undefined) return;
  check(slot < 32, `Given PCI device ID (${slot}) is out of the supported range of 0..32`);
  check(slot !== 0, `Given PCI device ID (${slot}) is reserved`);
};

const checkQueueSize = (size: number): void => check(isPowerOfTwo(size), `Queue size must be a power of 2 no greater than 32768: ${size}`);

const sharedMemory = (config: VmConfig): boolean =>
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

const checkDisk = (disk: DiskConfig, config: VmConfig): void => {
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

const checkNet = (net: NetConfig, config: VmConfig): void => {
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

const checkPayload = ({ payload }: VmConfig): void => {
  const broken = (cause: string): never => {
    throw new Failure("Failed to validate config", "Payload configuration is not bootable", cause);
  };
  if (payload?.firmware === undefined && payload?.kernel === undefined) broken("No bootitem provided: neither firmware nor kernel");
  if (payload?.firmware !== undefined && payload.kernel !== undefined)
    broken("Specifying a kernel is not supported when a firmware is provided");
};

const checkConsolesAndCpus = ({ console, serial, cpus }: VmConfig): void => {
  for (const port of [console, serial]) check(port.mode !== "File" || port.file !== undefined, "Path missing when using file console mode");
  check(cpus.max_vcpus >= cpus.boot_vcpus, `Max CPUs (${cpus.max_vcpus}) lower than boot CPUs (${cpus.boot_vcpus})`);
  check(cpus.max_vcpus <= 8192, `Too many CPUs: specified ${cpus.max_vcpus} but 8192 is the limit`);
};

const checkTopology = ({ cpus: { topology, max_vcpus } }: VmConfig): void => {
  if (topology === undefined) return;
  const parts = [topology.threads_per_core, topology.cores_per_die, topology.dies_per_package, topology.packages];
  check(!parts.includes(0), "No part of the CPU topology can be zero");
  check(topology.threads_per_core <= 2, "CPU topology supports at most 2 threads per core");
  check(parts.reduce((product, part) => product * part, 1) === max_vcpus, "Product of CPU topology parts does not match maximum vCPU");
};

const checkMemory = ({ memory }: VmConfig): void => {
  if (memory.hugepage_size !== undefined) {
    check(memory.hugepages, "Huge page size specified but huge pages not enabled");
    check(isPowerOfTwo(memory.hugepage_size), `Huge page size is not power of 2: ${memory.hugepage_size}`);
  }
  const clash = (part: { readonly shared: boolean; readonly mergeable: boolean }): boolean => part.shared && part.mergeable;
  check(![memory, ...(memory.zones ?? [])].some(clash), "Invalid to set both 'mergeable' and 'shared' for memory");
};

/** Every identifier may be used once; two underscores are the program's own. */
const makeIdentifiers = () => {
  const seen = new Set<string>();
  return (id: string | undefined): void => {
    if (id === undefined) return;
    check(!id.startsWith("__"), `Identifier ${id} is not invalid`);
    check(!seen.has(id), `Identifier ${id} is not unique`);
    seen.add(id);
  };
};

const checkOthers = (config: VmConfig, identify: (id: string | undefined) => void): void => {
  const needShared = (devices: readonly unknown[] | undefined, message: string): void =>
    check((devices ?? []).length === 0 || sharedMemory(config), message);
  const each = (devices: readonly (Pci & { readonly id?: string | undefined })[]): void => {
    for (const device of devices) {
      checkPci(device, config);
      identify(device.id);
    }
  };
  const vhost = "Using vhost-user requires using shared memory or huge pages";
  needShared(config.fs, vhost);
  each(config.fs ?? []);
  needShared(config.generic_vhost_user, vhost);
  each([...(config.generic_vhost_user ?? []), ...(config.pmem ?? []), config.rng, ...(config.rtc ? [config.rtc] : []), config.console]);
  checkTopology(config);
  checkMemory(config);
  needShared(config.user_devices, "Using user devices requires using shared memory or huge pages");
  each([...(config.user_devices ?? []), ...(config.vdpa ?? [])]);
  const cid = config.vsock?.cid;
  check(cid === undefined || ![0xffffffff, 0, 1, 2].includes(cid), `${cid} is a special VSOCK CID`);
  if (config.balloon !== undefined) {
    each([config.balloon]);
    const ram = totalMemory(config);
    check(config.balloon.size < ram, `Balloon size (${config.balloon.size}) greater than RAM (${ram})`);
  }
  each(config.devices ?? []);
  if (config.vsock !== undefined) each([config.vsock]);
};

/** @throws Failure whose first message is `Failed to validate config`. */
export const validate = (config: VmConfig): void => {
  const identify = makeIdentifiers();
  checkPayload(config);
  checkConsolesAndCpus(config);
  for (const group of config.rate_limit_groups ?? []) identify(group.id);
  for (const disk of config.disks ?? []) {
    checkDisk(disk, config);
    identify(disk.id);
  }
  for (const net of config.net ?? []) {
    checkNet(net, config);
    identify(net.id);
  }
  checkOthers(config, identify);
  checkNuma(config, refuse);
  for (const zone of config.memory.zones ?? []) identify(zone.id);
  checkPlatform(config, refuse);
};

const behindIommu = (config: VmConfig): boolean => {
  const lists: readonly (readonly { readonly iommu?: boolean | undefined }[] | undefined)[] = [
    config.disks,
    config.net,
    config.pmem,
    config.vdpa,
    config.devices,
    [config.rng, config.console],
    config.vsock === undefined ? [] : [config.vsock],
    config.balloon === undefined ? [] : [config.balloon],
  ];
  return config.platform?.iommu_segments !== undefined || lists.some((devices) => devices?.some((device) => device.iommu));
};

/** With firmware the kernel's own words are dropped; a device behind the IOMMU switches it on. */
export const normalise = (config: VmConfig): VmConfig => {
  const iommu = config.iommu || behindIommu(config);
  if (config.payload?.firmware === undefined) return { ...config, iommu };
  const { cmdline: _cmdline, initramfs: _initramfs, ...payload } = config.payload;
  return { ...config, iommu, payload: payload as VmConfig["payload"] & object };
};
