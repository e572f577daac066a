/** Holds a guest to its size and freezes it: v1 groups or one v2 group, by what the host has. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;

export type Cgroups = {
  /** Folders a process must be moved into, by writing 0 to their `cgroup.procs`. */
  readonly folders: readonly string[];
  /** The guest's v2 tree is not one of `folders` and must be made apart. */
  readonly ownTree: boolean;
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
    return readFileSync(join(folder, "cgroup.procs"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(Number);
  } catch {
    return [];
  }
};

/** The folder and all below it, deepest first. */
const treeOf = (folder: string): readonly string[] => {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap((entry) => treeOf(join(folder, entry.name))), folder];
};

const removeFolder = (folder: string): void => {
  try {
    rmdirSync(folder);
  } catch {
    // A group that is gone, or not empty yet: the next start uses it again.
  }
};

/** With the last guest goes the group that all of them share. */
const removeWithParent = (folder: string): void => {
  removeFolder(folder);
  removeFolder(dirname(folder));
};

/** Removes the guest's own v2 tree, seen through a mount that only this helper has. */
const removeOwnTree = (name: string): void =>
  void spawnSync(
    "unshare",
    [
      "--mount",
      "sh",
      "-c",
      'mount -t cgroup2 cgroup2 /sys/fs/cgroup && find "/sys/fs/cgroup/croft/$1" -depth -type d -exec rmdir {} + ; rmdir /sys/fs/cgroup/croft',
      "sh",
      name,
    ],
    { stdio: "ignore" },
  );

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
    ownTree: true,
    setSize: (cpus, bytes) => {
      // Memory and swap together may never be less than memory alone: the order depends on the direction.
      for (const file of ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"])
        tryWrite(memory, file, String(bytes));
      tryWrite(cpu, "cpu.cfs_period_us", String(PERIOD_US));
      tryWrite(cpu, "cpu.cfs_quota_us", String(cpus * PERIOD_US));
    },
    freeze: () => write(freezer, "freezer.state", "FROZEN"),
    thaw: () => write(freezer, "freezer.state", "THAWED"),
    thawing: { file: join(freezer, "freezer.state"), text: "THAWED" },
    processes: () => readProcesses(freezer),
    remove: () => {
      folders.forEach(removeWithParent);
      // systemd-nspawn repeats the guest's tree in systemd's own v1 hierarchy.
      const own = join(ROOT, "systemd", "croft", name);
      treeOf(own).forEach(removeFolder);
      removeWithParent(own);
      removeOwnTree(name);
    },
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
    ownTree: false,
    setSize: (cpus, bytes) => {
      tryWrite(folder, "memory.max", String(bytes));
      tryWrite(folder, "memory.swap.max", "0");
      tryWrite(folder, "cpu.max", `${cpus * PERIOD_US} ${PERIOD_US}`);
    },
    freeze: () => write(folder, "cgroup.freeze", "1"),
    thaw: () => write(folder, "cgroup.freeze", "0"),
    thawing: { file: join(folder, "cgroup.freeze"), text: "0" },
    processes: () => treeOf(folder).flatMap(readProcesses),
    remove: () => {
      treeOf(folder).forEach(removeFolder);
      removeWithParent(folder);
    },
  };
};

/** Makes the groups of this name, or takes over those that a killed program left. */
export const ensureCgroups = (name: string): Cgroups =>
  existsSync(join(ROOT, "cgroup.controllers")) ? makeUnified(name) : makeLegacy(name);
