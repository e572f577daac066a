/** The rules a VmConfig must obey before it can boot, in the order the real program checks them. */
import type { VmConfig } from "../config/vm.ts";
import { Failure } from "./failure.ts";
import {
  check,
  checkDisk,
  checkFs,
  checkNet,
  checkNoIommu,
  checkPassthrough,
  checkPci,
  checkQueueSize,
  isPowerOfTwo,
  refuse,
  sharedMemory,
  type Pci,
} from "./validate-devices.ts";
import { checkNuma, checkPlatform, totalMemory } from "./validate-platform.ts";

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
  const each = <T extends Pci & { readonly id?: string | undefined }>(devices: readonly T[], own?: (device: T) => void): void => {
    for (const device of devices) {
      own?.(device);
      checkPci(device, config);
      identify(device.id);
    }
  };
  const vhost = "Using vhost-user requires using shared memory or huge pages";
  needShared(config.fs, vhost);
  each(config.fs ?? [], (fs) => checkFs(fs, config));
  needShared(config.generic_vhost_user, vhost);
  each(config.generic_vhost_user ?? [], (device) => {
    checkNoIommu(device);
    device.queue_sizes.forEach(checkQueueSize);
  });
  each([...(config.pmem ?? []), config.rng, ...(config.rtc ? [config.rtc] : []), config.console]);
  checkTopology(config);
  checkMemory(config);
  needShared(config.user_devices, "Using user devices requires using shared memory or huge pages");
  each(config.user_devices ?? [], checkNoIommu);
  each(config.vdpa ?? []);
  const cid = config.vsock?.cid;
  check(cid === undefined || ![0xffffffff, 0, 1, 2].includes(cid), `${cid} is a special VSOCK CID`);
  if (config.balloon !== undefined) {
    each([config.balloon]);
    const ram = totalMemory(config);
    check(config.balloon.size < ram, `Balloon size (${config.balloon.size}) greater than RAM (${ram})`);
  }
  const paths = new Set<string>();
  for (const device of config.devices ?? []) {
    check(device.path === undefined || !paths.has(device.path), `Duplicated device path: ${device.path}`);
    if (device.path !== undefined) paths.add(device.path);
    checkPci(device, config);
    checkPassthrough(device, config);
    identify(device.id);
  }
  if (config.vsock !== undefined) each([config.vsock]);
};

/** @throws Failure whose first message is `Failed to validate config`. */
export const validate = (config: VmConfig): void => {
  const identify = makeIdentifiers();
  checkPayload(config);
  checkConsolesAndCpus(config);
  for (const group of config.rate_limit_groups ?? []) {
    const { bandwidth, ops } = group.rate_limiter_config;
    check(group.id !== "" && (bandwidth !== undefined || ops !== undefined), "Invalid rate-limiter group");
    identify(group.id);
  }
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
