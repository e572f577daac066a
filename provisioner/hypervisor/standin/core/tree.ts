/** The device tree: which devices exist, their identifiers, PCI slots and windows. */
import type { VmConfig } from "../config/vm.ts";
import { deviceFailure } from "./failure.ts";
import type { DeviceNode } from "../../types.ts";

const BAR_BYTES = 0x8_0000;
/** 64-bit windows are this far apart, counted down from the top of the address space. */
const WIDE_STEP = 0x80_0000;
const NARROW_TOP = 0xe800_0000;
const SLOTS = 32;

export type VirtioType = "block" | "net" | "rng" | "console" | "balloon" | "watchdog" | "rtc" | "iommu" | "vsock" | "fs" | "pmem" | "mem";

export type Tree = {
  readonly nodes: Map<string, DeviceNode>;
  readonly types: Map<string, VirtioType>;
  readonly reserved: ReadonlySet<string>;
  readonly slots: Set<number>;
  counter: number;
  narrow: number;
  wide: number;
};

type Named = { readonly id?: string | undefined };

const explicitIds = (config: VmConfig): readonly string[] => {
  const lists: readonly (readonly Named[] | undefined)[] = [
    config.disks,
    config.net,
    config.fs,
    config.pmem,
    config.vdpa,
    config.devices,
    config.user_devices,
    config.generic_vhost_user,
    config.vsock === undefined ? [] : [config.vsock],
  ];
  return lists.flatMap((devices) => devices ?? []).flatMap((device) => device.id ?? []);
};

const leaf = (id: string): DeviceNode => ({ id, resources: [], children: [] });

export const makeTree = (config: VmConfig): Tree => {
  const slots = new Set([0, ...[...(config.disks ?? []), ...(config.net ?? [])].flatMap((device) => device.pci_device_id ?? [])]);
  const tree: Tree = {
    nodes: new Map(),
    types: new Map(),
    reserved: new Set(explicitIds(config)),
    slots,
    counter: 0,
    narrow: NARROW_TOP,
    wide: 2 ** config.cpus.max_phys_bits,
  };
  tree.nodes.set("__ioapic", leaf("__ioapic"));
  if (config.serial.mode !== "Off") tree.nodes.set("__serial", leaf("__serial"));
  if (config.debug_console.mode !== "Off") tree.nodes.set("__debug_console", leaf("__debug_console"));
  return tree;
};

/** `_disk0`, `_net1`, …: one counter for all kinds, names in use are passed over. */
export const nextId = (tree: Tree, prefix: string): string => {
  for (;;) {
    const id = `${prefix}${tree.counter}`;
    tree.counter += 1;
    if (!tree.reserved.has(id) && !tree.nodes.has(id)) return id;
  }
};

const takeSlot = (tree: Tree, wanted: number | undefined): number => {
  const free = wanted ?? Array.from({ length: SLOTS }, (_none, slot) => slot).find((slot) => !tree.slots.has(slot));
  if (free === undefined) throw deviceFailure("Could not find an available device slot on the PCI bus");
  tree.slots.add(free);
  return free;
};

/** Disks that are there at boot have a 32-bit window, so that firmware can reach them. */
const takeWindow = (tree: Tree, narrow: boolean) => {
  if (narrow) tree.narrow -= BAR_BYTES;
  else tree.wide -= WIDE_STEP;
  const base = narrow ? tree.narrow : tree.wide;
  return { PciBar: { index: 0, base, size: BAR_BYTES, type_: narrow ? "Mmio32" : "Mmio64", prefetchable: false } } as const;
};

const hex = (value: number, width: number): string => value.toString(16).padStart(width, "0");

export type Placement = { readonly hotplug: boolean; readonly slot?: number | undefined; readonly segment?: number };

/** Adds a virtio device behind its PCI function. Returns its address, such as `0000:00:04.0`. */
export const addVirtio = (tree: Tree, id: string, type: VirtioType, placement: Placement): string => {
  const parent = `_virtio-pci-${id}`;
  const bdf = `${hex(placement.segment ?? 0, 4)}:00:${hex(takeSlot(tree, placement.slot), 2)}.0`;
  const narrow = type === "block" && !placement.hotplug && (placement.segment ?? 0) === 0;
  tree.nodes.set(id, { id, resources: [], parent, children: [] });
  tree.nodes.set(parent, { id: parent, resources: [takeWindow(tree, narrow)], children: [id], pci_bdf: bdf });
  tree.types.set(id, type);
  return bdf;
};

/** The guest let go of a device. Returns its address. */
export const ejectVirtio = (tree: Tree, id: string): string | undefined => {
  const parent = tree.nodes.get(`_virtio-pci-${id}`);
  tree.nodes.delete(id);
  tree.nodes.delete(`_virtio-pci-${id}`);
  tree.types.delete(id);
  if (parent?.pci_bdf !== undefined) tree.slots.delete(Number.parseInt(parent.pci_bdf.slice(8, 10), 16));
  return parent?.pci_bdf;
};
