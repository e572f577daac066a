/** What a plan must not do, and what deserves a word before it does. Pure. */
import type { DiffOptions } from "./diff.ts";
import { findCycle } from "./graph.ts";
import { mayGo } from "./leaving.ts";
import type { Plan, Recorded, Resource, ResourceId, Step } from "./resource.ts";

export type HostCapacity = { readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number };
export type Totals = {
  readonly host: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly capacity: HostCapacity | undefined;
};
export type Finding = { readonly level: "error" | "warning"; readonly message: string; readonly hint?: string };

export type LintInput = {
  readonly plan: Plan;
  readonly desired: readonly Resource[];
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
  readonly hosts: Readonly<Record<string, HostCapacity>>;
  readonly options: DiffOptions;
};

/** Memory the host itself keeps. */
const HOST_RESERVE = 512 * 1024 ** 2;
/** Virtual CPUs for each of the host's that pass without a word. */
const CPU_SHARE = 4;
const GIB = 1024 ** 3;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(bytes < 10 * GIB ? 2 : 1)} GiB`;

/** What the desired resources take of each host. */
export const sumTotals = (desired: readonly Resource[], hosts: Readonly<Record<string, HostCapacity>>): readonly Totals[] => {
  const sums = new Map<string, { cpus: number; memoryBytes: number; diskBytes: number }>();
  for (const { host, uses } of desired) {
    if (uses === undefined) continue;
    const sum = sums.get(host) ?? { cpus: 0, memoryBytes: 0, diskBytes: 0 };
    sum.cpus += uses.cpus ?? 0;
    sum.memoryBytes += uses.memoryBytes ?? 0;
    sum.diskBytes += uses.diskBytes ?? 0;
    sums.set(host, sum);
  }
  return [...sums].map(([host, sum]) => ({ host, ...sum, capacity: Object.hasOwn(hosts, host) ? hosts[host] : undefined }));
};

/** Memory of a host that machines may have. */
export const spareMemory = (capacity: HostCapacity): number => capacity.memoryBytes - HOST_RESERVE;

const lintTotals = ({ host, cpus, memoryBytes, diskBytes, capacity }: Totals): readonly Finding[] => {
  if (capacity === undefined) return [];
  const findings: Finding[] = [];
  const spare = spareMemory(capacity);
  if (memoryBytes > spare) {
    const message = `machines on host "${host}" want ${gib(memoryBytes)} of memory, the host has ${gib(spare)} for them (${gib(capacity.memoryBytes)} less ${gib(HOST_RESERVE)} for itself)`;
    findings.push({ level: "error", message, hint: "make machines smaller, or move one to another host" });
  }
  // Disks are sparse and what is free shrinks as they fill, so this is a promise at risk, not a mistake.
  if (diskBytes > capacity.diskBytes)
    findings.push({
      level: "warning",
      message: `disks on host "${host}" may grow to ${gib(diskBytes)}, ${gib(capacity.diskBytes)} is free`,
    });
  if (cpus > capacity.cpus * CPU_SHARE)
    findings.push({ level: "warning", message: `machines on host "${host}" have ${cpus} virtual CPUs, the host has ${capacity.cpus}` });
  return findings;
};

const dataLoss = (id: ResourceId, fate: string): Finding => ({
  level: "error",
  message: `${id} holds data and would be ${fate}`,
  hint: `if that is what you want: --allow-destroy ${id}`,
});

/** How a step would lose what its resource holds; undefined: it does not. */
const lossOf = (step: Step, resource: Resource | undefined, replaced: ReadonlySet<ResourceId>): string | undefined => {
  if (step.action === "remove") return "removed";
  if (step.action === "replace") return "replaced";
  const carrier = step.action === "create" ? resource?.lostWith?.find((id) => replaced.has(id)) : undefined;
  return carrier === undefined ? undefined : `lost with ${carrier}, which is replaced`;
};

/** Nothing that holds data goes unnamed, whether by removal, by replacement or with what carries it. */
const dataFindings = ({ plan, desired, recorded, options }: LintInput): readonly Finding[] => {
  const byId = new Map(desired.map((resource) => [resource.id, resource]));
  const replaced = new Set(plan.steps.filter(({ action }) => action === "replace").map(({ id }) => id));
  return plan.steps.flatMap((step): readonly Finding[] => {
    const resource = byId.get(step.id);
    const record = recorded.get(step.id);
    const data = record === undefined ? step.action === "replace" && resource?.data === true : record.data === true;
    const loss = data ? lossOf(step, resource, replaced) : undefined;
    return loss === undefined || mayGo(record ?? { id: step.id }, recorded, options) ? [] : [dataLoss(step.id, loss)];
  });
};

/** Mistakes of whoever desires: found before a plan is made. */
export const lintDesired = (desired: readonly Resource[]): readonly Finding[] => {
  const edges = new Map(desired.map(({ id, needs }) => [id, needs]));
  const seen = new Set<ResourceId>();
  const messages: string[] = [];
  for (const { id } of desired) {
    if (seen.has(id)) messages.push(`${id} is desired twice`);
    seen.add(id);
  }
  for (const [id, needs] of edges)
    for (const need of needs) if (!edges.has(need)) messages.push(`${id} needs ${need}, which nothing makes`);
  const cycle = findCycle(edges);
  if (cycle !== undefined) messages.push(`dependency cycle: ${cycle.join(" -> ")}`);
  return messages.map((message) => ({ level: "error", message }));
};

/** Errors stop the run before it takes the lock; warnings are shown under the plan. */
export const lintPlan = (input: LintInput): readonly Finding[] => [
  ...lintDesired(input.desired),
  ...dataFindings(input),
  ...input.desired.flatMap(({ warnings = [] }) => warnings.map((message): Finding => ({ level: "warning", message }))),
  ...sumTotals(input.desired, input.hosts).flatMap(lintTotals),
];
