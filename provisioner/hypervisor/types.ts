/** What Cloud Hypervisor v53.0 takes and answers. Sizes are bytes; absent fields have the program's defaults. */

export type DiskConfig = {
  readonly path: string;
  /** Always give it: a guessed raw disk refuses writes to its first sector. */
  readonly image_type: "Raw" | "Qcow2" | "FixedVhd" | "Vhdx";
  readonly id?: string;
  readonly readonly?: boolean;
  /** At most 20 bytes; the guest sees `/dev/disk/by-id/virtio-SERIAL`. */
  readonly serial?: string;
  readonly direct?: boolean;
  readonly num_queues?: number;
  readonly queue_size?: number;
};

export type NetConfig = {
  readonly id?: string;
  readonly tap?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly num_queues?: number;
};

export type ConsoleConfig = { readonly mode: "Off" | "Null" | "Tty" | "Pty" } | { readonly mode: "File"; readonly file: string };
export type SerialConfig = ConsoleConfig | { readonly mode: "Socket"; readonly socket: string };

export type PayloadConfig = {
  readonly kernel?: string;
  readonly initramfs?: string;
  readonly cmdline?: string;
  readonly firmware?: string;
};

export type VmConfig = {
  readonly cpus?: { readonly boot_vcpus: number; readonly max_vcpus: number; readonly nested?: boolean };
  readonly memory?: { readonly size: number; readonly hotplug_size?: number; readonly shared?: boolean };
  readonly payload: PayloadConfig;
  readonly disks?: readonly DiskConfig[];
  readonly net?: readonly NetConfig[];
  readonly rng?: { readonly src: string };
  readonly serial?: SerialConfig;
  readonly console?: ConsoleConfig;
};

export type PingAnswer = {
  readonly build_version: string;
  readonly version: string;
  readonly pid: number;
  readonly features: readonly string[];
};

/** What `vm.info` shows; `Shutdown` is never visible. */
export type VmState = "Created" | "Running" | "Paused" | "BreakPoint" | "Shutdown";

export type PciBar = {
  readonly PciBar: {
    readonly index: number;
    readonly base: number;
    readonly size: number;
    readonly type_: "Mmio32" | "Mmio64" | "Io";
    readonly prefetchable: boolean;
  };
};

/** Memory that a device shows its guest directly. */
export type MmioRange = { readonly MmioAddressRange: { readonly base: number; readonly size: number } };
export type DeviceResource = PciBar | MmioRange;

export type DeviceNode = {
  readonly id: string;
  readonly resources: readonly DeviceResource[];
  readonly parent?: string;
  readonly children: readonly string[];
  readonly pci_bdf?: string;
};

export type InfoAnswer = {
  /** The stored configuration with every default filled in and assigned ids. */
  readonly config: VmConfig & { readonly disks?: readonly (DiskConfig & { readonly id?: string })[] };
  readonly state: VmState;
  readonly memory_actual_size: number;
  /** Absent while no VM is booted. */
  readonly device_tree?: Readonly<Record<string, DeviceNode>>;
};

/** Device id to counter to value; values the program uses for "none yet" are left out. */
export type CountersAnswer = Readonly<Record<string, Readonly<Record<string, number>>>>;

export type PciDeviceAnswer = { readonly id: string; readonly bdf: string };

export type ResizeRequest = {
  readonly desired_vcpus?: number;
  readonly desired_ram?: number;
  readonly desired_balloon?: number;
};

/** One record of the event monitor's file; time counts from the program's start. */
export type MonitorEvent = {
  readonly timestamp: { readonly secs: number; readonly nanos: number };
  readonly source: string;
  readonly event: string;
  readonly properties: Readonly<Record<string, string>> | null;
};
