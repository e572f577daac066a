/** Rules of NUMA nodes, PCI segments and the platform. */
import type { VmConfig } from "../config/vm.ts";

type Refuse = (message: string) => never;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** RAM with everything plugged, in bytes. */
export const totalMemory = ({ memory }: VmConfig): number =>
  memory.size + (memory.hotplugged_size ?? 0) + sum((memory.zones ?? []).map((zone) => zone.size + (zone.hotplugged_size ?? 0)));

export const hotpluggedMemory = ({ memory }: VmConfig): number =>
  (memory.hotplugged_size ?? 0) + sum((memory.zones ?? []).map((zone) => zone.hotplugged_size ?? 0));

type Node = NonNullable<VmConfig["numa"]>[number];

const checkNode = (node: Node, refuse: Refuse): void => {
  const bad = (why: string): never => refuse(`Invalid NUMA configuration: ${why}`);
  if (node.device_id !== undefined) {
    if (node.cpus !== undefined || node.memory_zones !== undefined)
      bad("device_id in numa config is mutually exclusive with cpus and memory_zones");
    if (node.device_id === "") bad("device_id in numa config cannot be empty");
    return;
  }
  if (node.cpus !== undefined) return void (node.cpus.length > 0 || bad("cpus list in numa config cannot be empty"));
  if (node.memory_zones === undefined) return bad("numa config must specify either device_id or cpus/memory_zones");
  if (node.memory_zones.length === 0) bad("memory_zones in numa config cannot be empty");
};

export const checkNuma = (config: VmConfig, refuse: Refuse): void => {
  const zones = new Map<string, number>();
  const segments = new Map<number, number>();
  const limit = config.platform?.num_pci_segments ?? 1;
  for (const node of config.numa ?? []) {
    checkNode(node, refuse);
    for (const zone of node.memory_zones ?? []) {
      const other = zones.get(zone);
      if (other !== undefined) refuse(`Memory zone: ${zone} belongs to multiple NUMA nodes: ${other} and ${node.guest_numa_id}`);
      zones.set(zone, node.guest_numa_id);
    }
    for (const segment of node.pci_segments ?? []) {
      if (segment >= limit) refuse(`Invalid PCI segment id: ${segment}`);
      if (segment === 0 && node.guest_numa_id !== 0) refuse(`Default PCI segment assigned to non-zero NUMA node ${node.guest_numa_id}`);
      const other = segments.get(segment);
      if (other !== undefined) refuse(`PCI segment: ${segment} belongs to multiple NUMA nodes ${other} and ${node.guest_numa_id}`);
      segments.set(segment, node.guest_numa_id);
    }
  }
};

export const checkPlatform = (config: VmConfig, refuse: Refuse): void => {
  const limit = config.platform?.num_pci_segments ?? 1;
  for (const segment of config.pci_segments ?? []) {
    if (segment.pci_segment >= limit) refuse(`Invalid PCI segment id: ${segment.pci_segment}`);
    for (const weight of [segment.mmio32_aperture_weight, segment.mmio64_aperture_weight])
      if (weight === 0) refuse("Invalid PCI segment aperture weight: 0");
  }
  if (limit === 0 || limit > 96) refuse(`Number of PCI segments (${limit}) not in range of 1 to 96`);
  const bad = config.platform?.iommu_segments?.find((segment) => segment >= limit);
  if (bad !== undefined) refuse(`Invalid PCI segment id: ${bad}`);
  const width = config.platform?.iommu_address_width_bits ?? 64;
  if (width > 64) refuse(`IOMMU address width in bits (${width}) should be less than or equal to 64`);
};
