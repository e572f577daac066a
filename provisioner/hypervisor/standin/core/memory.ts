/** What the memory manager refuses: sizes at boot, virtio-mem and zones later. Pure. */
import type { VmConfig } from "../config/vm.ts";
import { Failure } from "./failure.ts";

const BLOCK = 2 * 1024 * 1024;
/** Name of the one zone where the configuration names none. */
export const STANDARD_ZONE = "mem0";

export const memoryFailure = (...chain: readonly string[]): Failure => new Failure("Memory manager error", ...chain);

type Reserve = { readonly hotplug_size?: number | undefined; readonly hotplugged_size?: number | undefined };

const checkReserve = ({ hotplug_size, hotplugged_size }: Reserve, method: "Acpi" | "VirtioMem"): void => {
  if (hotplugged_size === undefined) return;
  if (hotplug_size === undefined || hotplugged_size > hotplug_size || method === "Acpi")
    throw memoryFailure("Memory configuration is not valid");
};

const checkZones = ({ memory }: VmConfig): void => {
  const zones = memory.zones ?? [];
  if (zones.length === 0) throw memoryFailure("No memory zones found");
  for (const zone of zones) {
    if (zone.shared && zone.file !== undefined && zone.host_numa_node !== undefined)
      throw memoryFailure("Invalid to try applying a NUMA policy to a memory zone that is memory mapped with MAP_SHARED");
    if (zone.hotplug_size !== undefined && memory.hotplug_method === "Acpi")
      throw memoryFailure("Invalid hotplug method associated with memory zones resizing capability");
    checkReserve(zone, memory.hotplug_method);
  }
};

/** Comes before every other rule of a boot: memory is made first. */
export const checkBootMemory = (config: VmConfig): void => {
  const { memory } = config;
  if (memory.size === 0) checkZones(config);
  else {
    if (memory.zones !== undefined) throw memoryFailure("Memory configuration is not valid");
    checkReserve(memory, memory.hotplug_method);
  }
  const parts = memory.size === 0 ? (memory.zones ?? []) : [memory];
  for (const part of parts) {
    if (part.size % 4096 !== 0) throw memoryFailure("Memory size is misaligned with default page size or its hugepage size");
    if (part.hotplug_size === 0) throw memoryFailure("Invalid size for resizing. Can be anything except 0");
  }
};

/** Zones that virtio-mem can grow, with the size beyond boot that was last asked for. */
export const growingZones = ({ memory }: VmConfig): ReadonlyMap<string, number> => {
  const zones = memory.size === 0 ? (memory.zones ?? []) : [{ ...memory, id: STANDARD_ZONE }];
  const grows = memory.size === 0 || memory.hotplug_method === "VirtioMem";
  return new Map(
    zones.filter((zone) => grows && zone.hotplug_size !== undefined).map((zone) => [zone.id, zone.hotplugged_size ?? 0] as const),
  );
};

const hex = (value: number): string => `0x${value.toString(16)}`;

const problemOf = (size: number, asked: number, region: number): string | undefined => {
  if (size === asked) return `new size ${hex(size)} and requested_size are identical`;
  if (size > region) return `new size ${hex(size)} is bigger than region_size ${hex(region)}`;
  return size % BLOCK === 0 ? undefined : `new size ${hex(size)} is not aligned on block_size ${hex(BLOCK)}`;
};

/** Asks virtio-mem for another size beyond boot. */
export const growZone = (asked: Map<string, number>, id: string, size: number, region: number | undefined): void => {
  const before = asked.get(id);
  if (before === undefined || region === undefined) throw memoryFailure("No virtio-mem resizing handler found");
  const problem = problemOf(size, before, region);
  if (problem !== undefined)
    throw memoryFailure(
      "Failed to virtio-mem resize",
      "Resize invalid argument",
      `Failed to update virtio configuration: ResizeError(${problem})`,
    );
  asked.set(id, size);
};

export const belowBoot = (wanted: number, boot: number): Failure =>
  memoryFailure(`Invalid resize request: desired_size = ${wanted} below boot size = ${boot}`);
