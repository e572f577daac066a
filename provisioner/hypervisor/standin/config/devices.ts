/** Devices of a VmConfig as requests name them, with the defaults of v53.0. */
import { bool, checkedText, choice, i32, list, option, path, text, u16, u32, u64, u8, usize } from "../json/kinds.ts";
import { DataError } from "../json/reader.ts";
import { flat, need, off, on, or, orMake, record } from "../json/record.ts";
import { randomBytes } from "node:crypto";

/** Fields of every PCI device; `iommu` is shown only when set. */
const pci = {
  id: flat(need(option(text))),
  iommu: flat(need(option(bool))),
  pci_segment: flat(or(u16, 0)),
  pci_device_id: flat(need(option(u8))),
};

const bucket = record("TokenBucketConfig", { size: need(u64), one_time_burst: need(option(u64)), refill_time: need(u64) });
export const rateLimiter = record("RateLimiterConfig", { bandwidth: need(option(bucket)), ops: need(option(bucket)) }, { strict: true });
const affinity = record("VirtQueueAffinity", { queue_index: need(u16), host_cpus: need(list(usize)) });

const IMAGE_TYPES = ["FixedVhd", "Qcow2", "Raw", "Vhdx", "Unknown"] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

export const disk = record("DiskConfig", {
  ...pci,
  path: need(option(path)),
  readonly: off,
  direct: off,
  num_queues: or(usize, 1),
  queue_size: or(u16, 128),
  vhost_user: off,
  vhost_socket: need(option(text)),
  rate_limit_group: need(option(text)),
  rate_limiter_config: need(option(rateLimiter)),
  disable_io_uring: off,
  disable_aio: off,
  serial: need(option(text)),
  queue_affinity: need(option(list(affinity))),
  backing_files: off,
  sparse: on,
  image_type: orMake(choice<ImageType>(...IMAGE_TYPES), () => "Unknown" as ImageType),
  lock_granularity: orMake(choice("ByteRange", "Full"), () => "ByteRange" as "ByteRange" | "Full"),
});
export type DiskConfig = ReturnType<typeof disk.read>;

const checkMac = (value: string): string => {
  if (/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value)) return value.toLowerCase();
  throw new DataError(`The provided MAC address is invalid: parsing of ${value} into a MAC address failed`);
};
const mac = checkedText(checkMac);

const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$/;
const address = checkedText((value) => {
  if (ADDRESS.test(value)) return value;
  throw new DataError("invalid IP address syntax");
});

/** A locally administered unicast address, new for each device without one. */
export const randomMac = (): string => {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return (bytes.toString("hex").match(/../g) ?? []).join(":");
};

export const net = record("NetConfig", {
  ...pci,
  tap: need(option(text)),
  ip: need(option(address)),
  mask: need(option(address)),
  mac: orMake(mac, randomMac),
  host_mac: need(option(mac)),
  mtu: need(option(u16)),
  num_queues: or(usize, 2),
  queue_size: or(u16, 256),
  vhost_user: off,
  vhost_socket: need(option(text)),
  vhost_mode: orMake(choice("Client", "Server"), () => "Client" as "Client" | "Server"),
  fds: need(option(list(i32))),
  rate_limiter_config: need(option(rateLimiter)),
  offload_tso: on,
  offload_ufo: on,
  offload_csum: on,
});
export type NetConfig = ReturnType<typeof net.read>;

export const rng = record("RngConfig", { ...pci, src: need(path) });
export const rtc = record("RtcConfig", { ...pci });
export const balloon = record("BalloonConfig", { ...pci, size: need(u64), deflate_on_oom: off, free_page_reporting: off });
export const fs = record("FsConfig", {
  ...pci,
  tag: need(text),
  socket: need(path),
  num_queues: or(usize, 1),
  queue_size: or(u16, 1024),
});
export const genericVhostUser = record("GenericVhostUserConfig", {
  ...pci,
  socket: need(path),
  queue_sizes: need(list(u16)),
  device_type: need(u32),
});
export const pmem = record("PmemConfig", { ...pci, file: need(path), size: need(option(u64)), discard_writes: off });
export const device = record("DeviceConfig", {
  ...pci,
  path: need(option(path)),
  fd: need(option(i32)),
  x_nv_gpudirect_clique: need(option(u8)),
  x_exclude_mmap_bars: orMake(list(u64), (): readonly number[] => []),
});
export const userDevice = record("UserDeviceConfig", { ...pci, socket: need(path) });
export const vdpa = record("VdpaConfig", { ...pci, path: need(path), num_queues: or(usize, 1) });
export const vsock = record("VsockConfig", { ...pci, cid: need(u32), socket: need(path) });

const MODES = ["Off", "Pty", "Tty", "File", "Socket", "Null"] as const;
export type ConsoleMode = (typeof MODES)[number];
const mode = choice<ConsoleMode>(...MODES);

export const serial = record("SerialConfig", {
  file: flat(need(option(path))),
  mode: flat(need(mode)),
  socket: flat(need(option(path))),
});
export const console = record("ConsoleConfig", {
  file: flat(need(option(path))),
  mode: flat(need(mode)),
  socket: flat(need(option(path))),
  ...pci,
});
export const debugConsole = record("DebugConsoleConfig", { file: need(option(path)), mode: need(mode), iobase: need(option(u16)) });
