/** What the engine reads of the host: loop devices, interfaces, seed images, the guest's process 1. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, realpathSync } from "node:fs";
import { bridgeOfTap, guestNetCounters } from "../interfaces.ts";
import type { HostFacts } from "./plan.ts";

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
};

/** An ISO 9660 image says its name in its first volume descriptor. */
const VOLUME_NAME = { position: 16 * 2048 + 40, length: 32 };

const isSeed = (path: string): boolean => {
  const handle = openSync(path, "r");
  const bytes = Buffer.alloc(VOLUME_NAME.length);
  readSync(handle, bytes, 0, bytes.length, VOLUME_NAME.position);
  closeSync(handle);
  return bytes.toString("latin1").trim().toUpperCase() === "CIDATA";
};

export const hostFacts: HostFacts = { isSeed, bridgeOf: bridgeOfTap };

/** Names of the loop devices that stand for this file, such as `loop3`. */
export const findLoops = (path: string): readonly string[] => {
  const real = realpathSync(path);
  return readdirSync("/sys/block").filter((name) => name.startsWith("loop") && readText(`/sys/block/${name}/loop/backing_file`) === real);
};

/** The guest's process 1 as the host numbers it: third of three nested process worlds. */
export const findGuestInit = (processes: readonly number[]): number | undefined =>
  processes.find((pid) => {
    const line = /^NSpid:\s+(.*)$/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1];
    const numbers = line?.split(/\s+/) ?? [];
    return numbers.length === 3 && numbers[2] === "1";
  });

const SECTOR = 512n;

const blockCounters = (path: string): Readonly<Record<string, bigint>> => {
  const loop = findLoops(path)[0];
  const fields = (loop === undefined ? undefined : readText(`/sys/block/${loop}/stat`))?.split(/\s+/).map(BigInt);
  if (fields === undefined) return {};
  const [reads = 0n, , readSectors = 0n, , writes = 0n, , writeSectors = 0n] = fields;
  return { read_ops: reads, read_bytes: readSectors * SECTOR, write_ops: writes, write_bytes: writeSectors * SECTOR };
};

export const readCounters = { block: blockCounters, net: guestNetCounters };
