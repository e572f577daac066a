/** What of a machine can change while it runs. Pure. */
import type { DiskConfig } from "./types.ts";

type SizedConfig = {
  readonly cpus: { readonly boot_vcpus: number; readonly max_vcpus: number };
  readonly memory: { readonly size: number; readonly hotplug_size: number };
  readonly disks: readonly DiskConfig[];
};

export type LiveChange = {
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly disks: readonly DiskConfig[];
};

/** Either the change, or why the machine has to restart for it. */
export type LivePlan = { readonly change: LiveChange } | { readonly restart: string };

const MEBIBYTE = 1024 * 1024;
/** Memory is plugged in pieces of this size. */
const PIECE = 128 * MEBIBYTE;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Everything that cannot change while the machine runs. */
const fixedPart = (config: SizedConfig): unknown => ({
  ...config,
  cpus: { ...config.cpus, boot_vcpus: 0 },
  memory: { ...config.memory, size: 0 },
  disks: [],
});

const memoryProblem = (from: number, to: number, room: number): string | undefined => {
  if (to < from) return "memory shrinks only with a restart";
  if ((to - from) % PIECE !== 0) return `memory grows in steps of ${PIECE / MEBIBYTE} MiB while the machine runs`;
  return to - from > room ? `memory grows by at most ${room / MEBIBYTE} MiB while the machine runs` : undefined;
};

/** Both texts are VmConfigs as croft writes them: what the machine was started with, and what is wanted. */
export const planLive = (running: string, wanted: string): LivePlan => {
  const [old, next] = [JSON.parse(running) as SizedConfig, JSON.parse(wanted) as SizedConfig];
  if (!same(fixedPart(old), fixedPart(next))) return { restart: "more than its size and its data disks changed" };
  if (!same(next.disks.slice(0, old.disks.length), old.disks)) return { restart: "a disk leaves or changes only with a restart" };
  const problem = memoryProblem(old.memory.size, next.memory.size, old.memory.hotplug_size);
  if (problem !== undefined) return { restart: problem };
  return {
    change: {
      cpus: old.cpus.boot_vcpus === next.cpus.boot_vcpus ? undefined : next.cpus.boot_vcpus,
      memoryBytes: old.memory.size === next.memory.size ? undefined : next.memory.size,
      disks: next.disks.slice(old.disks.length),
    },
  };
};

export const isNothing = ({ cpus, memoryBytes, disks }: LiveChange): boolean =>
  cpus === undefined && memoryBytes === undefined && disks.length === 0;
