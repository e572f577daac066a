/** The state machine's host on a real computer: files, locks, image types. The one place of the stand-in's locks. */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { getSystemErrorMap } from "node:util";
import type { ImageType } from "./config/devices.ts";
import type { Host, Refused } from "./core/ports.ts";

const errno = (error: unknown): number =>
  typeof error === "object" && error !== null && "errno" in error ? Math.abs(Number(error.errno)) : 5;

const WORDS: Readonly<Record<number, string>> = {
  1: "Operation not permitted",
  2: "No such file or directory",
  5: "Input/output error",
  13: "Permission denied",
  16: "Device or resource busy",
  17: "File exists",
  20: "Not a directory",
  21: "Is a directory",
  22: "Invalid argument",
  26: "Text file busy",
  28: "No space left on device",
  30: "Read-only file system",
  40: "Too many levels of symbolic links",
};

/** An operating system's error as Rust prints it. */
export const toRefused = (error: unknown): Refused => {
  const code = errno(error);
  const words = WORDS[code] ?? getSystemErrorMap().get(-code)?.[1] ?? "Unknown error";
  return { refused: `${words} (os error ${code})` };
};

const attempt = <T>(act: () => T): T | Refused => {
  try {
    return act();
  } catch (error) {
    return toRefused(error);
  }
};

const refusedOf = (act: () => unknown): Refused | undefined => {
  const answer = attempt(() => void act());
  return answer ?? undefined;
};

/** Holds a lock of the whole file for as long as `handle` stays open; it dies with this process. */
export const lockHandle = (handle: number, exclusive: boolean): boolean =>
  spawnSync("flock", [exclusive ? "--exclusive" : "--shared", "--nonblock", "3"], { stdio: ["ignore", "ignore", "ignore", handle] })
    .status === 0;

const VHD_COOKIE = "conectix";
const readAt = (handle: number, length: number, position: number): Buffer => {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(handle, bytes, 0, length, position));
};

const isFixedVhd = (handle: number, size: number): boolean => {
  if (size < 512) return false;
  const footer = readAt(handle, 512, size - 512);
  return footer.subarray(0, 8).toString("latin1") === VHD_COOKIE && footer.length >= 64 && footer.readUInt32BE(60) === 2;
};

const imageType = (handle: number): ImageType => {
  const start = readAt(handle, 512, 0);
  if (start.subarray(0, 4).toString("latin1") === "QFI\u{fb}") return "Qcow2";
  if (isFixedVhd(handle, fstatSync(handle).size)) return "FixedVhd";
  return start.subarray(0, 8).toString("latin1") === "vhdxfile" ? "Vhdx" : "Raw";
};

const openDisk = (path: string, readonly: boolean) =>
  attempt(() => {
    const handle = openSync(path, readonly ? "r" : "r+");
    return { handle, type: imageType(handle) };
  });

const createNew = (path: string, text: string): void => {
  const handle = openSync(path, "wx", 0o600);
  writeSync(handle, text);
  closeSync(handle);
};

const readTrimmed = (path: string): string | undefined => {
  const text = attempt(() => readFileSync(path, "utf8").trim());
  return typeof text === "string" ? text : undefined;
};

export const makeHost = (): Host => ({
  openDisk,
  lockDisk: lockHandle,
  closeDisk: (handle) => void attempt(() => closeSync(handle)),
  resizeDisk: (handle, bytes) => refusedOf(() => ftruncateSync(handle, bytes)),
  canRead: (path) => refusedOf(() => accessSync(path)),
  truncate: (path) => refusedOf(() => closeSync(openSync(path, "w", 0o600))),
  createNew: (path, text) => refusedOf(() => createNew(path, text)),
  readText: (path) => attempt(() => readFileSync(path, "utf8")),
  fileSize: (path) => attempt(() => statSync(path).size),
  isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  exists: existsSync,
  tapMac: (tap) => (/^[\w.-]{1,15}$/.test(tap) ? readTrimmed(`/sys/class/net/${tap}/address`) : undefined),
});
