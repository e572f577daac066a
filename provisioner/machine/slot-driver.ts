/** Effects of slots: content filled in here, written on the machine, two versions kept. */
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import type { Template } from "../model/contribution.ts";
import type { JsonObject, Observation } from "../plan/resource.ts";
import { packTar } from "../transport/tar.ts";
import { agentError, callAgent } from "./agent.ts";
import { hiddenWhenUnreachable } from "./connections.ts";
import type { Connections } from "./connections.ts";
import type { SlotPayload } from "./slot-resource.ts";

export type SlotTools = {
  readonly connections: Connections;
  /** Fills in secrets and certificates; the result goes to the machine and nowhere else. */
  readonly resolve: (template: Template) => Promise<string>;
};

const slotName = (id: string): string => id.split("/").slice(2).join("/");
const machineOf = (request: ObserveRequest): string => String((request.resource ?? request.recorded)?.spec["machine"] ?? "");

/** All files of a slot have one mode and one owner; where they differ, all are shown. */
const modesFact = (modes: string, wanted: { readonly mode: string; readonly owner: string }): JsonObject => {
  if (modes === `${wanted.mode}:${wanted.owner}`) return wanted;
  const all = modes.split(",").map((item) => [item.slice(0, item.indexOf(":")), item.slice(item.indexOf(":") + 1)] as const);
  const distinct = (index: 0 | 1): string => [...new Set(all.map((pair) => pair[index]))].join(", ");
  return { mode: distinct(0), owner: distinct(1) };
};

const observeOne = (tools: SlotTools, request: ObserveRequest): Promise<Observation> => {
  const machine = machineOf(request);
  return hiddenWhenUnreachable(machine, async () => {
    const found = (await tools.connections.view(machine)).slots[slotName(request.id)];
    if (found === undefined || found.version === "-") return { status: "absent" };
    const version = found.intact ? found.version : `${found.version}, changed by hand`;
    const spec = (request.resource ?? request.recorded)?.spec ?? {};
    const wanted = { mode: String(spec["mode"] ?? ""), owner: String(spec["owner"] ?? "") };
    return { status: "present", facts: { machine, version, ...modesFact(found.modes, wanted) } };
  });
};

const fill = async (tools: SlotTools, payload: SlotPayload): Promise<Buffer> =>
  packTar(
    await Promise.all(
      Object.entries(payload.files).map(async ([name, template]) => ({ name, content: await tools.resolve(template), mode: 0o600 })),
    ),
  );

const apply = async (tools: SlotTools, request: ApplyRequest): Promise<void> => {
  const payload = request.resource.payload as SlotPayload;
  const { machine, version } = request.resource.spec as { machine: string; version: string };
  const { slot } = payload;
  const shell = await tools.connections.open(machine);
  const change = slot.onChange;
  const words = ["slot", slot.name, version, slot.mode, slot.owner, change?.unit ?? "-", change?.action ?? "-", change?.check ?? "-"];
  const result = await callAgent(shell, words, { payload: await fill(tools, payload), timeoutMs: 180_000 });
  if (!result.ok) throw agentError(`filling slot ${slot.name}`, shell, result, "the previous content is back in place");
};

const remove = async (tools: SlotTools, request: RemoveRequest): Promise<void> => {
  const shell = await tools.connections.open(String(request.recorded.spec["machine"]));
  const result = await callAgent(shell, ["unslot", slotName(request.step.id)]);
  if (!result.ok) throw agentError(`removing slot ${slotName(request.step.id)}`, shell, result, "croft plan");
};

export const makeSlotDriver = (tools: SlotTools): Driver => ({
  kind: "slot",
  observe: observeEach((request) => observeOne(tools, request)),
  apply: async (request) => {
    await apply(tools, request);
    return {};
  },
  remove: (request) => remove(tools, request),
});
