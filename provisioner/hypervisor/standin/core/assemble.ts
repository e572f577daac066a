/** From a configuration to devices in their slots: opened kind by kind, in the real program's order. */
import type { VmConfig } from "../config/vm.ts";
import type { DeviceResource } from "../../types.ts";
import { deviceFailure } from "./failure.ts";
import type { Host } from "./ports.ts";
import { FAILING, openPmem, openVsock } from "./special.ts";
import { addPanicDevice, addVirtio, reserveSlot } from "./tree.ts";
import { addBlock, addNet, type Assembly } from "./vm.ts";

const without = <K extends "disks" | "net" | "pmem" | "generic_vhost_user" | "fs" | "vdpa">(config: VmConfig, key: K): VmConfig => {
  const { [key]: _gone, ...rest } = config;
  return rest as VmConfig;
};

/** The disks leave the configuration while they are opened: a failure loses them, as in the real program. */
const openDisks = (host: Host, assembly: Assembly): void => {
  const disks = assembly.config.disks;
  if (disks === undefined) return;
  assembly.config = without(assembly.config, "disks");
  assembly.config = { ...assembly.config, disks: disks.map((disk) => addBlock(host, assembly.vm, disk)) };
};

const openNets = (host: Host, assembly: Assembly): void => {
  const nets = assembly.config.net;
  if (nets === undefined) return;
  assembly.config = { ...without(assembly.config, "net"), net: nets.map((net) => addNet(host, assembly.vm, net)) };
};

type Named = { readonly id?: string | undefined };
type Slotted = { readonly pci_device_id?: number | undefined; readonly pci_segment?: number };

/** Devices get their slots in this order; what names its slot has it kept. */
const placeDevices = ({ config, vm }: Assembly, resources: ReadonlyMap<string, readonly DeviceResource[]>): void => {
  const { tree, growing } = vm;
  const plan: (readonly [string, Parameters<typeof addVirtio>[2], Slotted])[] = [];
  const add = (type: Parameters<typeof addVirtio>[2], device: Named & Slotted, standard = ""): void =>
    void plan.push([device.id ?? standard, type, device]);
  if (config.console.mode !== "Off") add("console", config.console, "__console");
  for (const disk of config.disks ?? []) add("block", disk);
  for (const net of config.net ?? []) add("net", net);
  add("rng", config.rng, "__rng");
  for (const pmem of config.pmem ?? []) add("pmem", pmem);
  if (config.vsock !== undefined) add("vsock", config.vsock);
  for (const id of growing.keys()) add("mem", { id });
  if (config.balloon !== undefined) add("balloon", config.balloon, "__balloon");
  if (config.watchdog) add("watchdog", { id: "__watchdog" });
  if (config.rtc !== undefined) add("rtc", config.rtc, "__rtc");
  for (const [, , device] of plan) reserveSlot(tree, device.pci_segment ?? 0, device.pci_device_id);
  if (config.iommu) add("iommu", { id: "__iommu" });
  for (const [id, type, device] of plan)
    addVirtio(tree, id, type, {
      hotplug: false,
      slot: device.pci_device_id,
      segment: device.pci_segment ?? 0,
      resources: resources.get(id) ?? [],
    });
  if (config.pvpanic) addPanicDevice(tree);
};

/** Opens the devices of one list, which leave the configuration meanwhile: a failure loses them. */
const openList = <K extends "pmem" | "generic_vhost_user" | "fs" | "vdpa">(
  assembly: Assembly,
  key: K,
  open: (device: NonNullable<VmConfig[K]>[number]) => NonNullable<VmConfig[K]>[number],
): void => {
  const devices = assembly.config[key];
  if (devices === undefined) return;
  assembly.config = without(assembly.config, key);
  assembly.config = { ...assembly.config, [key]: (devices as readonly NonNullable<VmConfig[K]>[number][]).map(open) };
};

const fail = (error: Error): never => {
  throw error;
};

const openSpecial = (host: Host, assembly: Assembly): ReadonlyMap<string, readonly DeviceResource[]> => {
  const { tree } = assembly.vm;
  const resources = new Map<string, readonly DeviceResource[]>();
  if (host.canRead(assembly.config.rng.src) !== undefined)
    throw deviceFailure("Cannot create virtio-rng device", host.canRead(assembly.config.rng.src)?.refused ?? "");
  openList(assembly, "generic_vhost_user", (device) => fail(FAILING.generic_vhost_user(host, tree, device)));
  openList(assembly, "fs", (fs) => fail(FAILING.fs(host, tree, fs)));
  openList(assembly, "pmem", (pmem) => {
    const opened = openPmem(host, tree, pmem);
    resources.set(opened.device.id ?? "", opened.resources);
    return opened.device;
  });
  const { vsock } = assembly.config;
  if (vsock !== undefined) assembly.config = { ...assembly.config, vsock: openVsock(host, tree, vsock).device };
  openList(assembly, "vdpa", (vdpa) => fail(FAILING.vdpa(host, tree, vdpa)));
  return resources;
};

/** Devices of the host itself come last of all. */
const openPassthrough = (host: Host, { config, vm }: Assembly): void => {
  const [device] = config.devices ?? [];
  if (device !== undefined) throw FAILING.devices(host, vm.tree, device);
  const [userDevice] = config.user_devices ?? [];
  if (userDevice !== undefined) throw FAILING.user_devices(host, vm.tree, userDevice);
};

/** Opens every device. On failure `assembly.config` is what is left of the configuration. */
export const assemble = (host: Host, assembly: Assembly): void => {
  openDisks(host, assembly);
  openNets(host, assembly);
  placeDevices(assembly, openSpecial(host, assembly));
  openPassthrough(host, assembly);
};
