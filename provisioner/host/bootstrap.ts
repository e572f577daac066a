/** What this host is, and making it able to carry machines. */
import { accessSync, constants } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { CroftError } from "../errors.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { hostPackages } from "./packages.ts";
import type { HostPackage } from "./packages.ts";

export type HostSize = { readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number };

const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Whether a program is on the PATH, or where root's programs are. */
export const hasProgram = (program: string): boolean =>
  [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_PATH].some((folder) => isExecutable(join(folder, program)));

/** `also` is what a site needs beside what every host needs. */
export const missingPackages = (standIn: boolean, also: readonly HostPackage[] = []): readonly HostPackage[] =>
  [...hostPackages(standIn), ...also].filter(({ program }) => !hasProgram(program));

/** Size of the host; the disk is the free space below `folder` or its nearest parent. */
export const hostSize = async (folder: string): Promise<HostSize> => {
  const found = await statfs(folder).catch(() => statfs("/"));
  return { cpus: cpus().length, memoryBytes: totalmem(), diskBytes: found.bavail * found.bsize };
};

/**
 * KVM counts as usable by CPU flags (or on aarch64 by the device): a device alone may be a
 * paravirtual flavour that runs no stock kernel.
 */
export const hasUsableKvm = async (): Promise<boolean> => {
  const hasDevice = isReadable("/dev/kvm");
  if (process.arch === "arm64") return hasDevice;
  const flags = /^flags\s*:(.*)$/m.exec(await readFile("/proc/cpuinfo", "utf8").catch(() => ""))?.[1] ?? "";
  return hasDevice && / (vmx|svm)\b/.test(flags);
};

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** @throws CroftError HOST_UNFIT with what apt said. */
export const installPackages = async (shell: Shell, packages: readonly HostPackage[], onLine: (line: string) => void): Promise<void> => {
  const names = packages.map((wanted) => wanted.package);
  await must(shell, "reading the package lists", sh`apt-get update -qq`, { timeoutMs: 600_000 }).catch(() => "");
  const result = await shell.run(sh`env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${names}`, {
    timeoutMs: 1_800_000,
    onLine,
  });
  if (result.ok) return;
  throw new CroftError("HOST_UNFIT", `apt could not install ${names.join(", ")}`, {
    tail: result.stderr.trimEnd().split("\n").slice(-10).join("\n"),
    hint: `install them by hand: apt-get install ${names.join(" ")}`,
  });
};
