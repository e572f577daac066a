/** Disks that come and go while the guest runs: a loop device held by this process, a node in the guest. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { DiskConfig } from "../../config/devices.ts";
import { deviceFailure } from "../../core/failure.ts";
import { findLoops } from "./facts.ts";

const run = (program: string, ...args: readonly string[]): string => {
  try {
    return execFileSync(program, [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    throw deviceFailure("Cannot open disk path", error instanceof Error ? error.message.trim() : String(error));
  }
};

const inGuest = (init: number, script: string, ...args: readonly string[]): string =>
  run("nsenter", "--target", String(init), "--mount", "sh", "-c", script, "sh", ...args);

const nodeOf = (disk: DiskConfig): string => `/dev/disk/by-id/virtio-${disk.serial ?? disk.id ?? ""}`;

/** Returns the descriptor whose closing frees the loop device. */
export const plug = (init: number, disk: DiskConfig): number => {
  const path = disk.path ?? "";
  const loop = run("losetup", "--find", "--show", ...(disk.readonly ? ["--read-only"] : []), path);
  const handle = openSync(loop, "r");
  run("losetup", "--detach", loop);
  const [major = "7", minor = "0"] = readFileSync(`/sys/block/${basename(loop)}/dev`, "utf8")
    .trim()
    .split(":");
  inGuest(init, 'mkdir -p /dev/disk/by-id; rm -f "$1"; mknod -m 660 "$1" b "$2" "$3"', nodeOf(disk), major, minor);
  return handle;
};

export const unplug = (init: number | undefined, disk: DiskConfig, handle: number | undefined): void => {
  if (init !== undefined)
    inGuest(init, 'umount -- "$1" 2>/dev/null || true; rm -f "$1" 2>/dev/null || umount -l "$1" 2>/dev/null || true', nodeOf(disk));
  if (handle !== undefined) closeSync(handle);
};

/** The file has its new size: the guest's device takes it over. */
export const refresh = (disk: DiskConfig): void =>
  findLoops(disk.path ?? "").forEach((loop) => void run("losetup", "--set-capacity", `/dev/${loop}`));
