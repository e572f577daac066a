/** What a plan must not do, and what deserves a word before it does. Pure. */
import { isAllowed } from "./diff.ts";
import type { DiffOptions } from "./diff.ts";
import type { Plan, Recorded, Resource, ResourceId } from "./resource.ts";

export type HostCapacity = { readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number };
export type Totals = { readonly host: string; readonly cpus: number; readonly memoryBytes: number; readonly diskBytes: number; readonly capacity: HostCapacity | undefined };
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
  return [...sums].map(([host, sum]) => ({ host, ...sum, capacity: hosts[host] }));
};

const capacityFindings = (input: LintInput): readonly Finding[] =>
  sumTotals(input.desired, input.hosts).flatMap(({ host, cpus, memoryBytes, diskBytes, capacity }): readonly Finding[] => {
    if (capacity === undefined) return [];
    const spare = capacity.memoryBytes - HOST_RESERVE;
    return [
      ...(memoryBytes > spare
        ? [{ level: "error" as const, message: `machines on host "${host}" want ${gib(memoryBytes)} of memory, the host has ${gib(spare)} for them (${gib(capacity.memoryBytes)} less ${gib(HOST_RESERVE)} for itself)`, hint: "make machines smaller, or move one to another host" }]
        : []),
      ...(diskBytes > capacity.diskBytes
        ? [{ level: "warning" as const, message: `disks on host "${host}" may grow to ${gib(diskBytes)}, ${gib(capacity.diskBytes)} is free` }]
        : []),
      ...(cpus > capacity.cpus * 4
        ? [{ level: "warning" as const, message: `machines on host "${host}" have ${cpus} virtual CPUs, the host has ${capacity.cpus}` }]
        : []),
    ];
  });

/** Nothing that holds data goes unnamed, whether by removal or by replacement. */
const dataFindings = (input: LintInput): readonly Finding[] =>
  input.plan.steps.flatMap((step): readonly Finding[] => {
    const data = input.recorded.get(step.id)?.data === true;
    if (!data || (step.action !== "remove" && step.action !== "replace") || isAllowed(step.id, input.options)) return [];
    return [{ level: "error", message: `${step.id} holds data and would be ${step.action === "remove" ? "removed" : "replaced"}`, hint: `if that is what you want: --allow-destroy ${step.id}` }];
  });

const graphFindings = (desired: readonly Resource[]): readonly Finding[] => {
  const seen = new Set<ResourceId>();
  const twice = desired.filter(({ id }) => (seen.has(id) ? true : (seen.add(id), false)));
  const missing = desired.flatMap(({ id, needs }) => needs.filter((need) => !seen.has(need)).map((need) => `${id} needs ${need}, which nothing makes`));
  return [...twice.map(({ id }) => `${id} is desired twice`), ...missing].map((message) => ({ level: "error", message }));
};

export const lintPlan = (input: LintInput): readonly Finding[] => [
  ...graphFindings(input.desired),
  ...dataFindings(input),
  ...capacityFindings(input),
];
