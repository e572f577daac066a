/** A small ext4 disk whose power can be cut, for tests: what the kernel had not sent to it is gone, as in a real cut. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there can be none here, for a test's title; empty where there can. */
export const diskReason = (): string =>
  process.getuid?.() === 0 && existsSync("/dev/loop-control") ? "" : " (skipped: needs root and loop devices)";

export type TestDisk = {
  readonly folder: string;
  /** The disk comes back with what it held at that moment; whoever uses it must be dead. */
  readonly cut: () => void;
  readonly destroy: () => void;
};

const run = (program: string, ...words: readonly string[]): void =>
  void execFileSync(program, words, { stdio: ["ignore", "ignore", "pipe"] });

/** ext4 else sends what it changed every five seconds, and would hide what nobody synced. */
const LATE = "commit=300";

/** `options` as a unit's `Options=` has them. */
export const makeDisk = (options: string, mebibytes = 512): TestDisk => {
  const work = mkdtempSync(join(tmpdir(), "croft-disk-"));
  const folder = join(work, "mount");
  const file = join(work, "disk.raw");
  chmodSync(work, 0o755);
  mkdirSync(folder);
  run("truncate", "-s", `${mebibytes}M`, file);
  run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", file);
  const mount = (): void => run("mount", "-o", `loop,${LATE},${options}`, file, folder);
  const unmount = (): void => run("umount", folder);
  mount();
  return {
    folder,
    cut: () => {
      run("cp", "--sparse=always", file, `${file}.cut`);
      unmount();
      renameSync(`${file}.cut`, file);
      mount();
    },
    destroy: () => {
      unmount();
      rmSync(work, { recursive: true, force: true });
    },
  };
};

/** Of a rendered mount unit. */
export const optionsOf = (unit: string): string => /^Options=(.*)$/m.exec(unit)?.[1] ?? "";
