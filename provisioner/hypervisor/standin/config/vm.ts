/** The whole VmConfig and the bodies of the other requests, as v53.0 reads them. */
import { bool, choice, i32, list, option, path, text, u16, u32, u64, u8, usize } from "../json/kinds.ts";
import { need, off, on, or, orMake, record } from "../json/record.ts";
import * as devices from "./devices.ts";

const topology = record("CpuTopology", {
  threads_per_core: need(u16),
  cores_per_die: need(u16),
  dies_per_package: need(u16),
  packages: need(u16),
});
const features = record("CpuFeatures", { amx: off });
type Scheduling = "Vm" | "Vcpu" | "Off";

const cpus = record("CpusConfig", {
  boot_vcpus: need(u32),
  max_vcpus: need(u32),
  topology: need(option(topology)),
  kvm_hyperv: off,
  max_phys_bits: or(u8, 46),
  affinity: need(option(list(record("CpuAffinity", { vcpu: need(u32), host_cpus: need(list(usize)) })))),
  features: orMake(features, () => ({ amx: false })),
  nested: on,
  core_scheduling: orMake(choice<Scheduling>("Vm", "Vcpu", "Off"), (): Scheduling => "Vm"),
  profile: orMake(choice("Host"), () => "Host" as const),
});
export type CpusConfig = ReturnType<typeof cpus.read>;
const standardCpus: CpusConfig = {
  boot_vcpus: 1,
  max_vcpus: 1,
  kvm_hyperv: false,
  max_phys_bits: 46,
  features: { amx: false },
  nested: true,
  core_scheduling: "Vm",
  profile: "Host",
} as CpusConfig;

const zone = record("MemoryZoneConfig", {
  id: need(text),
  size: need(u64),
  file: need(option(path)),
  shared: off,
  hugepages: off,
  hugepage_size: need(option(u64)),
  host_numa_node: need(option(u32)),
  hotplug_size: need(option(u64)),
  hotplugged_size: need(option(u64)),
  prefault: off,
  reserve: off,
  mergeable: off,
});
type HotplugMethod = "Acpi" | "VirtioMem";

const memory = record("MemoryConfig", {
  size: need(u64),
  mergeable: off,
  hotplug_method: orMake(choice<HotplugMethod>("Acpi", "VirtioMem"), (): HotplugMethod => "Acpi"),
  hotplug_size: need(option(u64)),
  hotplugged_size: need(option(u64)),
  shared: off,
  hugepages: off,
  hugepage_size: need(option(u64)),
  prefault: off,
  reserve: off,
  zones: need(option(list(zone))),
  thp: on,
});
export type MemoryConfig = ReturnType<typeof memory.read>;
const standardMemory = {
  size: 512 * 1024 * 1024,
  mergeable: false,
  hotplug_method: "Acpi",
  shared: false,
  hugepages: false,
  prefault: false,
  reserve: false,
  thp: true,
} as MemoryConfig;

const payload = record("PayloadConfig", {
  firmware: need(option(path)),
  kernel: need(option(path)),
  cmdline: need(option(text)),
  initramfs: need(option(path)),
});

const numa = record("NumaConfig", {
  guest_numa_id: need(u32),
  cpus: need(option(list(u32))),
  distances: need(option(list(record("NumaDistance", { destination: or(u32, 0), distance: or(u8, 0) })))),
  memory_zones: need(option(list(text))),
  pci_segments: need(option(list(u16))),
  device_id: need(option(text)),
});
const pciSegment = record("PciSegmentConfig", {
  pci_segment: or(u16, 0),
  mmio32_aperture_weight: or(u32, 1),
  mmio64_aperture_weight: or(u32, 1),
});
const platform = record("PlatformConfig", {
  num_pci_segments: or(u16, 1),
  iommu_segments: need(option(list(u16))),
  iommu_address_width_bits: or(u8, 64),
  system_serial_number: { kind: option(text), alias: "serial_number" },
  system_uuid: { kind: option(text), alias: "uuid" },
  oem_strings: need(option(list(text))),
  system_manufacturer: need(option(text)),
  system_product_name: need(option(text)),
  system_version: need(option(text)),
  system_family: need(option(text)),
  system_sku_number: need(option(text)),
  chassis_asset_tag: need(option(text)),
  iommufd: off,
  vfio_p2p_dma: on,
});
const rateLimitGroup = record("RateLimiterGroupConfig", {
  id: or(text, ""),
  rate_limiter_config: orMake(devices.rateLimiter, () => ({ bandwidth: undefined, ops: undefined })),
});

export const vm = record("VmConfig", {
  cpus: orMake(cpus, () => standardCpus),
  memory: orMake(memory, () => standardMemory),
  payload: need(option(payload)),
  rate_limit_groups: need(option(list(rateLimitGroup))),
  disks: need(option(list(devices.disk))),
  net: need(option(list(devices.net))),
  rng: orMake(devices.rng, () => ({ pci_segment: 0, src: "/dev/urandom" }) as ReturnType<typeof devices.rng.read>),
  balloon: need(option(devices.balloon)),
  generic_vhost_user: need(option(list(devices.genericVhostUser))),
  fs: need(option(list(devices.fs))),
  pmem: need(option(list(devices.pmem))),
  serial: orMake(devices.serial, () => ({ mode: "Null" }) as ReturnType<typeof devices.serial.read>),
  console: orMake(devices.console, () => ({ mode: "Tty", pci_segment: 0 }) as ReturnType<typeof devices.console.read>),
  debug_console: orMake(devices.debugConsole, () => ({ mode: "Off", iobase: 233 }) as ReturnType<typeof devices.debugConsole.read>),
  devices: need(option(list(devices.device))),
  user_devices: need(option(list(devices.userDevice))),
  vdpa: need(option(list(devices.vdpa))),
  vsock: need(option(devices.vsock)),
  pvpanic: off,
  iommu: off,
  numa: need(option(list(numa))),
  watchdog: off,
  rtc: need(option(devices.rtc)),
  pci_segments: need(option(list(pciSegment))),
  platform: need(option(platform)),
  tpm: need(option(record("TpmConfig", { socket: need(path) }))),
  landlock_enable: off,
  landlock_rules: need(option(list(record("LandlockConfig", { path: need(path), access: need(text) })))),
});
export type VmConfig = ReturnType<typeof vm.read>;

export const resize = record("VmResizeData", {
  desired_vcpus: need(option(u32)),
  desired_ram: need(option(u64)),
  desired_balloon: need(option(u64)),
});
export const resizeDisk = record("VmResizeDiskData", { id: need(text), desired_size: need(u64) });
export const resizeZone = record("VmResizeZoneData", { id: need(text), desired_ram: need(u64) });
export const removeDevice = record("VmRemoveDeviceData", { id: need(text) });
export const snapshot = record("VmSnapshotConfig", { destination_url: need(text) });
export const restore = record("RestoreConfig", {
  source_url: need(path),
  prefault: or(bool, false),
  memory_restore_mode: orMake(choice("Copy", "OnDemand"), () => "Copy" as "Copy" | "OnDemand"),
  net_fds: need(option(list(record("RestoredNetConfig", { id: need(text), num_fds: or(usize, 0), fds: need(option(list(i32))) })))),
  resume: off,
});
