/** The device tree: which devices exist, their identifiers, PCI slots and windows. */
import type { VmConfig } from "../config/vm.ts";
import { deviceFailure } from "./failure.ts";
import type { DeviceNode, DeviceResource } from "../../types.ts";
import { freeWindow, makeWindows, takeWindow, type Windows } from "./windows.ts";

const BAR_BYTES = 0x8_0000;
const WIDE_ALIGNMENT = 0x80_0000;
const NARROW = { base: 0xc000_0000, end: 0xe800_0000 };
const WIDE_BASE = 0x1_0000_0000;
const PANIC = { bytes: 2, alignment: 16 };
const SLOTS = 32;

export type VirtioType = "block" | "net" | "rng" | "console" | "balloon" | "watchdog" | "rtc" | "iommu" | "vsock" | "fs" | "pmem" | "mem";

export type Tree = {
  readonly nodes: Map<string, DeviceNode>;
  readonly types: Map<string, VirtioType>;
  readonly reserved: ReadonlySet<string>;
  /** By segment and number; a reserved slot waits for the device that named it. */
  readonly slots: Map<number, "reserved" | "taken">;
  readonly narrow: Windows;
  readonly wide: Windows;
  counter: number;
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
  const tree: Tree = {
    nodes: new Map(),
    types: new Map(),
    reserved: new Set(explicitIds(config)),
    slots: new Map(),
    narrow: makeWindows(NARROW.base, NARROW.end),
    wide: makeWindows(WIDE_BASE, 2 ** config.cpus.max_phys_bits),
    counter: 0,
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

const keyOf = (segment: number, slot: number): number => segment * SLOTS + slot;
const inUse = (slot: number): string => `Valid PCI device identifier but already used: ${slot}`;

/** Slots that devices name are kept for them before any other device gets one. */
export const reserveSlot = (tree: Tree, segment: number, slot: number | undefined): void => {
  if (slot === undefined) return;
  if (tree.slots.has(keyOf(segment, slot))) throw deviceFailure("Could not reserve the PCI device ID", inUse(slot));
  tree.slots.set(keyOf(segment, slot), "reserved");
};

/** Slot 0 is the bus itself. */
const takeSlot = (tree: Tree, segment: number, wanted: number | undefined): number => {
  const fail = (why: string): never => {
    throw deviceFailure("Failed to find an available PCI device ID", why);
  };
  const isFree = (slot: number): boolean => slot > 0 && !tree.slots.has(keyOf(segment, slot));
  const slot = wanted ?? Array.from({ length: SLOTS }, (_none, number) => number).find(isFree);
  if (slot === undefined) return fail("Could not find an available device slot on the PCI bus");
  if (tree.slots.get(keyOf(segment, slot)) === "taken") fail(inUse(slot));
  tree.slots.set(keyOf(segment, slot), "taken");
  return slot;
};

/** A device that failed after it got its slot: the slot is lost. */
export const takeAnySlot = (tree: Tree, segment: number, wanted: number | undefined): void => void takeSlot(tree, segment, wanted);

const barOf = (base: number, narrow: boolean, size: number) =>
  ({ PciBar: { index: 0, base, size, type_: narrow ? "Mmio32" : "Mmio64", prefetchable: false } }) as const;

/** Disks that are there at boot have a 32-bit window, so that firmware can reach them. */
const takeBar = (tree: Tree, narrow: boolean) => {
  const base = narrow ? takeWindow(tree.narrow, BAR_BYTES, BAR_BYTES) : takeWindow(tree.wide, BAR_BYTES, WIDE_ALIGNMENT);
  if (base === undefined) throw deviceFailure("Cannot allocate PCI BARs", `Allocating space for an IO BAR of size ${BAR_BYTES} failed`);
  return barOf(base, narrow, BAR_BYTES);
};

const hex = (value: number, width: number): string => value.toString(16).padStart(width, "0");

export type Placement = {
  readonly hotplug: boolean;
  readonly slot?: number | undefined;
  readonly segment?: number;
  /** What the device itself takes, beside its window. */
  readonly resources?: readonly DeviceResource[];
};

/** Adds a virtio device behind its PCI function. Returns its address, such as `0000:00:04.0`. */
export const addVirtio = (tree: Tree, id: string, type: VirtioType, placement: Placement): string => {
  const parent = `_virtio-pci-${id}`;
  const bdf = `${hex(placement.segment ?? 0, 4)}:00:${hex(takeSlot(tree, placement.segment ?? 0, placement.slot), 2)}.0`;
  const narrow = type === "block" && !placement.hotplug && (placement.segment ?? 0) === 0;
  tree.nodes.set(id, { id, resources: placement.resources ?? [], parent, children: [] });
  tree.nodes.set(parent, { id: parent, resources: [takeBar(tree, narrow)], children: [id], pci_bdf: bdf });
  tree.types.set(id, type);
  return bdf;
};

/** The one PCI device that is no virtio device here: it has no parent. */
export const addPanicDevice = (tree: Tree): void => {
  const bdf = `0000:00:${hex(takeSlot(tree, 0, undefined), 2)}.0`;
  const base = takeWindow(tree.narrow, PANIC.bytes, PANIC.alignment) ?? 0;
  tree.nodes.set("__pvpanic", { ...leaf("__pvpanic"), resources: [barOf(base, true, PANIC.bytes)], pci_bdf: bdf });
};

const giveBack = (tree: Tree, resource: DeviceResource): void => {
  if ("MmioAddressRange" in resource) freeWindow(tree.wide, resource.MmioAddressRange.base);
  else freeWindow(resource.PciBar.type_ === "Mmio32" ? tree.narrow : tree.wide, resource.PciBar.base);
};

/** The guest let go of a device. Returns its address. */
export const ejectVirtio = (tree: Tree, id: string): string | undefined => {
  const parent = tree.nodes.get(`_virtio-pci-${id}`);
  for (const node of [parent, tree.nodes.get(id)]) node?.resources.forEach((resource) => giveBack(tree, resource));
  tree.nodes.delete(id);
  tree.nodes.delete(`_virtio-pci-${id}`);
  tree.types.delete(id);
  const [segment = "0", , slot = "0"] = (parent?.pci_bdf ?? "").split(/[:.]/);
  if (parent?.pci_bdf !== undefined) tree.slots.delete(keyOf(Number.parseInt(segment, 16), Number.parseInt(slot, 16)));
  return parent?.pci_bdf;
};
