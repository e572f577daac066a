import { describe, expect, test } from "vitest";
import { makePlan } from "./diff.ts";
import type { DiffOptions } from "./diff.ts";
import { lintDesired, lintPlan, sumTotals } from "./lint.ts";
import type { Observation, Recorded, Resource, ResourceId } from "./resource.ts";

const GIB = 1024 ** 3;
const resource = (id: ResourceId, more: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.split("/")[0] as string,
  host: "metal1",
  spec: { size: 1 },
  needs: [],
  ...more,
});
const record = ({ id, kind, host, spec, needs, data, lostWith }: Resource): Recorded => ({
  id,
  kind,
  host,
  spec,
  needs,
  output: {},
  status: "active",
  ...(data === undefined ? {} : { data }),
  ...(lostWith === undefined ? {} : { lostWith }),
});

const findings = (
  desired: readonly Resource[],
  recorded: readonly Recorded[],
  facts: Readonly<Record<ResourceId, Resource["spec"]>>,
  options: DiffOptions = {},
): readonly string[] => {
  const records = new Map(recorded.map((item) => [item.id, item]));
  const observed = new Map(Object.entries(facts).map(([id, found]): [string, Observation] => [id, { status: "present", facts: found }]));
  const plan = makePlan({ site: "s", environment: "default", desired, recorded: records, observed, options });
  return lintPlan({ plan, desired, recorded: records, hosts: {}, options }).map(
    ({ level, message, hint }) => `${level}: ${message} (${hint})`,
  );
};

describe("data", () => {
  const disk = resource("disk/data", { data: true, replaceOn: ["size"] });
  const gone = "error: disk/data holds data and would be removed (if that is what you want: --allow-destroy disk/data)";
  test("is not removed unnamed", () => {
    expect(findings([], [record(disk)], { "disk/data": { size: 1 } })).toEqual([gone]);
    expect(findings([], [record(disk)], { "disk/data": { size: 1 } }, { allowDestroy: ["data"] })).toEqual([]);
    expect(findings([], [record(disk)], { "disk/data": { size: 1 } }, { destroy: true })).toEqual([]);
  });
  test("is not replaced unnamed, recorded or not", () => {
    const replaced = "error: disk/data holds data and would be replaced (if that is what you want: --allow-destroy disk/data)";
    expect(findings([disk], [record(disk)], { "disk/data": { size: 2 } })).toEqual([replaced]);
    expect(findings([disk], [], { "disk/data": { size: 2 } })).toEqual([replaced]);
    expect(findings([disk], [], { "disk/data": { size: 2 } }, { allowDestroy: ["disk/data"] })).toEqual([]);
  });
  test("does not go with what carries it", () => {
    const machine = resource("machine/a", { replaceOn: ["size"] });
    const inside = resource("database/b", { data: true, lostWith: ["machine/a"] });
    expect(findings([machine, inside], [record(machine), record(inside)], { "machine/a": { size: 2 }, "database/b": { size: 1 } })).toEqual(
      [
        "error: database/b holds data and would be lost with machine/a, which is replaced (if that is what you want: --allow-destroy database/b)",
      ],
    );
    expect(findings([machine, inside], [record(machine), record(inside)], {})).toEqual([]);
  });
  test("goes with the data it lies in, when that was named", () => {
    const inside = resource("database/b", { data: true, lostWith: ["disk/data"] });
    expect(findings([disk, inside], [record(disk), record(inside)], { "disk/data": { size: 2 } }, { allowDestroy: ["data"] })).toEqual([]);
  });
  test("changing in place is no loss", () => {
    expect(findings([resource("disk/data", { data: true })], [record(disk)], { "disk/data": { size: 2 } })).toEqual([]);
    expect(findings([resource("disk/new", { data: true })], [record(resource("disk/new", { data: true }))], {})).toEqual([]);
  });
});

test("mistakes of the graph, all of them", () => {
  const graph = [resource("a/a", { needs: ["b/b", "c/c"] }), resource("b/b", { needs: ["a/a"] }), resource("b/b", { needs: ["a/a"] })];
  expect(lintDesired(graph).map(({ message }) => message)).toEqual([
    "b/b is desired twice",
    "a/a needs c/c, which nothing makes",
    "dependency cycle: a/a -> b/b -> a/a",
  ]);
});

describe("totals", () => {
  const uses = (cpus: number, memoryGib: number, diskGib: number): Resource =>
    resource(`machine/${cpus}-${memoryGib}-${diskGib}`, { uses: { cpus, memoryBytes: memoryGib * GIB, diskBytes: diskGib * GIB } });
  const plan = { site: "s", environment: "default", steps: [], hash: "" };
  const lint = (desired: readonly Resource[]) =>
    lintPlan({
      plan,
      desired,
      recorded: new Map(),
      hosts: { metal1: { cpus: 2, memoryBytes: 8 * GIB, diskBytes: 100 * GIB } },
      options: {},
    });

  test("are summed per host, with or without its size", () => {
    expect(sumTotals([uses(1, 2, 3), uses(4, 5, 6), resource("a/a"), resource("b/b", { host: "metal2", uses: {} })], {})).toEqual([
      { host: "metal1", cpus: 5, memoryBytes: 7 * GIB, diskBytes: 9 * GIB, capacity: undefined },
      { host: "metal2", cpus: 0, memoryBytes: 0, diskBytes: 0, capacity: undefined },
    ]);
  });
  test("within the host", () => {
    expect(lint([uses(8, 7, 100)])).toEqual([]);
  });
  test("memory is an error, disk and CPUs a word", () => {
    expect(lint([uses(9, 12, 101)]).map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'error: machines on host "metal1" want 12.0 GiB of memory, the host has 7.50 GiB for them (8.00 GiB less 0.50 GiB for itself)',
      'warning: disks on host "metal1" may grow to 101.0 GiB, 100.0 GiB is free',
      'warning: machines on host "metal1" have 9 virtual CPUs, the host has 2',
    ]);
  });
});
