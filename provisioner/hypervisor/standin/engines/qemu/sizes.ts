/** Processors and memory that come while the guest runs. The rules of both were checked before. */
import { deviceFailure } from "../../core/failure.ts";
import type { Qmp } from "./qmp.ts";

type Slot = { readonly type: string; readonly props: Readonly<Record<string, number>>; readonly "qom-path"?: string };
type Memory = { readonly "base-memory": number; readonly "plugged-memory"?: number };

const cpuId = (slot: Slot): string => `cpu${slot.props["socket-id"]}`;

const resizeCpus = async (qmp: Qmp, wanted: number): Promise<void> => {
  const slots = (await qmp.command("query-hotpluggable-cpus")) as readonly Slot[];
  const present = slots.filter((slot) => slot["qom-path"] !== undefined).length;
  const ordered = slots.toSorted((a, b) => (a.props["socket-id"] ?? 0) - (b.props["socket-id"] ?? 0));
  for (const slot of ordered.slice(present, wanted)) await qmp.command("device_add", { driver: slot.type, id: cpuId(slot), ...slot.props });
  // Those there from the start have no id that could be named.
  for (const slot of ordered.slice(wanted, present).toReversed()) await qmp.command("device_del", { id: slot["qom-path"] ?? cpuId(slot) });
};

const growMemory = async (qmp: Qmp, wanted: number): Promise<void> => {
  const now = (await qmp.command("query-memory-size-summary")) as Memory;
  const plugged = now["plugged-memory"] ?? 0;
  const more = wanted - now["base-memory"] - plugged;
  if (more <= 0) return;
  const id = `memory${plugged}`;
  await qmp.command("object-add", { "qom-type": "memory-backend-ram", id, size: more });
  try {
    await qmp.command("device_add", { driver: "pc-dimm", id: `${id}dimm`, memdev: id });
  } catch (error) {
    await qmp.command("object-del", { id });
    throw error instanceof Error ? deviceFailure("Memory manager error", error.message) : error;
  }
};

export const resizeGuest = async (qmp: Qmp, cpus: number, memoryBytes: number): Promise<void> => {
  await resizeCpus(qmp, cpus);
  await growMemory(qmp, memoryBytes);
};
