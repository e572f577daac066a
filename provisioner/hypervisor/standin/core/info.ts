/** What `vmm.ping`, `vm.info` and `vm.counters` answer. */
import { notCreated, notRunning } from "./failure.ts";
import type { DeviceCounters } from "./ports.ts";
import type { Session } from "./session.ts";
import { hotpluggedMemory, totalMemory } from "./validate-platform.ts";

export const ping = (pid: number) => ({ build_version: "v53.0", version: "53.0.0", pid, features: ["kvm"] });

/** Neither balloons nor virtio-mem move anything: no guest here has a driver for them. */
export const info = ({ config, vm }: Session) => {
  if (config === undefined) throw notCreated();
  return {
    config,
    state: vm?.state ?? "Created",
    memory_actual_size: totalMemory(config) - hotpluggedMemory(config),
    ...(vm === undefined ? {} : { device_tree: Object.fromEntries(vm.tree.nodes) }),
  };
};

/** What a device shows before its first request. */
const LATEST = 18_446_744_073_709_551_615n;
const AVERAGE = 1_844_674_407_370_955n;
const FRESH_BLOCK = {
  read_bytes: 0n,
  write_bytes: 0n,
  read_ops: 0n,
  write_ops: 0n,
  read_latency_min: LATEST,
  read_latency_max: LATEST,
  read_latency_avg: AVERAGE,
  write_latency_min: LATEST,
  write_latency_max: LATEST,
  write_latency_avg: AVERAGE,
};
const FRESH_NET = { rx_bytes: 0n, rx_frames: 0n, tx_bytes: 0n, tx_frames: 0n };

export const counters = async ({ config, vm, engine }: Session): Promise<DeviceCounters> => {
  if (vm === undefined || config === undefined) throw notRunning();
  const real = vm.state === "Created" ? {} : await engine.counters(config);
  const shown = [...vm.tree.types].filter(([, type]) => type === "block" || type === "net");
  return Object.fromEntries(shown.map(([id, type]) => [id, { ...(type === "block" ? FRESH_BLOCK : FRESH_NET), ...real[id] }]));
};

/** JSON with integers of any size. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? rawJson(part) : part));

/** `JSON.rawJSON` is in Node 24 and not yet in the types. */
const rawJson = (value: bigint): unknown => (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(String(value));
