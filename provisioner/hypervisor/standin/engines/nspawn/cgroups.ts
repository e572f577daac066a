/** Holds a guest to its size and freezes it: v1 groups or one v2 group, by what the host has. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;

export type Cgroups = {
  /** Folders a process must be moved into, by writing 0 to their `cgroup.procs`. */
  readonly folders: readonly string[];
  readonly setSize: (cpus: number, memoryBytes: number) => void;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** A file and a text that thaw the guest, for a helper that outlives this process. */
  readonly thawing: { readonly file: string; readonly text: string };
  /** Host process ids of everything in the guest. */
  readonly processes: () => readonly number[];
  readonly remove: () => void;
};

const write = (folder: string, file: string, text: string): void => {
  const path = join(folder, file);
  if (existsSync(path)) writeFileSync(path, text);
};

const readProcesses = (folder: string): readonly number[] => {
  try {
    return readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter((line) => line !== "").map(Number);
  } catch {
    return [];
  }
};

const removeFolder = (folder: string): void => {
  try {
    rmdirSync(folder);
  } catch {
    // A group that is gone, or not empty yet: the next start uses it again.
  }
};

/** systemd-nspawn makes sub-groups: the deepest go first. */
const childrenOf = (folder: string): readonly string[] => ["payload", "supervisor"].map((name) => join(folder, name)).filter(existsSync);

/** A quota below the memory already in use is refused by the kernel: the old limit stays then. */
const tryWrite = (folder: string, file: string, text: string): void => {
  try {
    write(folder, file, text);
  } catch {
    // Kept as it was.
  }
};

const makeLegacy = (name: string): Cgroups => {
  const folderOf = (controller: string): string => join(ROOT, controller, "croft", name);
  const [memory, cpu, freezer] = [folderOf("memory"), folderOf("cpu"), folderOf("freezer")];
  const folders = ["memory", "cpu", "freezer"].filter((controller) => existsSync(join(ROOT, controller))).map(folderOf);
  folders.forEach((folder) => mkdirSync(folder, { recursive: true }));
  return {
    folders,
    setSize: (cpus, bytes) => {
      tryWrite(memory, "memory.limit_in_bytes", String(bytes));
      tryWrite(cpu, "cpu.cfs_period_us", String(PERIOD_US));
      tryWrite(cpu, "cpu.cfs_quota_us", String(cpus * PERIOD_US));
    },
    freeze: () => write(freezer, "freezer.state", "FROZEN"),
    thaw: () => write(freezer, "freezer.state", "THAWED"),
    thawing: { file: join(freezer, "freezer.state"), text: "THAWED" },
    processes: () => readProcesses(freezer),
    remove: () => folders.forEach(removeFolder),
  };
};

const makeUnified = (name: string): Cgroups => {
  const parent = join(ROOT, "croft");
  const folder = join(parent, name);
  tryWrite(ROOT, "cgroup.subtree_control", "+memory +cpu");
  mkdirSync(parent, { recursive: true });
  tryWrite(parent, "cgroup.subtree_control", "+memory +cpu");
  mkdirSync(folder, { recursive: true });
  return {
    folders: [folder],
    setSize: (cpus, bytes) => {
      tryWrite(folder, "memory.max", String(bytes));
      tryWrite(folder, "cpu.max", `${cpus * PERIOD_US} ${PERIOD_US}`);
    },
    freeze: () => write(folder, "cgroup.freeze", "1"),
    thaw: () => write(folder, "cgroup.freeze", "0"),
    thawing: { file: join(folder, "cgroup.freeze"), text: "0" },
    processes: () => [folder, ...childrenOf(folder)].flatMap(readProcesses),
    remove: () => [...childrenOf(folder), folder].forEach(removeFolder),
  };
};

/** Makes the groups of this name, or takes over those that a killed program left. */
export const ensureCgroups = (name: string): Cgroups =>
  existsSync(join(ROOT, "cgroup.controllers")) ? makeUnified(name) : makeLegacy(name);
