/** What the state machine needs of the world: files with locks, and an engine that runs the guest. */
import type { DiskConfig, ImageType } from "../config/devices.ts";
import type { VmConfig } from "../config/vm.ts";

/** An operating system's error in the words of Rust, such as `No such file or directory (os error 2)`. */
export type Refused = { readonly refused: string };
export const isRefused = (answer: unknown): answer is Refused => typeof answer === "object" && answer !== null && "refused" in answer;

export type OpenDisk = { readonly type: ImageType; readonly handle: number };

export type Host = {
  readonly openDisk: (path: string, readonly: boolean) => OpenDisk | Refused;
  /** Shared for readers, exclusive for writers; held until `closeDisk` or the end of the process. False: somebody else holds it. */
  readonly lockDisk: (handle: number, exclusive: boolean) => boolean;
  readonly closeDisk: (handle: number) => void;
  readonly resizeDisk: (handle: number, bytes: number) => undefined | Refused;
  readonly canRead: (path: string) => undefined | Refused;
  /** Creates or truncates. */
  readonly truncate: (path: string) => undefined | Refused;
  readonly createNew: (path: string, text: string) => undefined | Refused;
  readonly readText: (path: string) => string | Refused;
  readonly fileSize: (path: string) => number | Refused;
  readonly isFolder: (path: string) => boolean;
  readonly exists: (path: string) => boolean;
  readonly tapMac: (tap: string) => string | undefined;
};

export type GuestEnd = "powerOff" | "reboot" | "died";

export type BootHooks = {
  /** The guest ended by itself. */
  readonly onEnd: (end: GuestEnd) => void;
  readonly onConsole: (chunk: Uint8Array) => void;
};

export type DeviceCounters = Readonly<Record<string, Readonly<Record<string, bigint>>>>;

/** Runs the guest. Every method may throw Failure with the messages an API client shall see. */
export type Engine = {
  readonly name: "none" | "nspawn" | "qemu";
  /** A guest that obeys hot-unplug; otherwise removed devices and CPUs stay. */
  readonly obeysUnplug: boolean;
  readonly canSnapshot: boolean;
  readonly boot: (config: VmConfig, hooks: BootHooks) => Promise<void>;
  /** Pulls the plug and waits until nothing of the guest is left. */
  readonly shutdown: () => Promise<void>;
  readonly powerButton: () => Promise<void>;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  readonly resize: (cpus: number, memoryBytes: number) => Promise<void>;
  readonly addDisk: (disk: DiskConfig) => Promise<void>;
  readonly removeDisk: (disk: DiskConfig) => Promise<void>;
  readonly resizeDisk: (disk: DiskConfig) => Promise<void>;
  readonly counters: (config: VmConfig) => Promise<DeviceCounters>;
};
