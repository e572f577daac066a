/** 10,000 machines with a disk and a generation each: first plan, unchanged plan, plan of one change, destroy. */
import { expect, test } from "vitest";
import { makePlan } from "./diff.ts";
import type { DiffInput } from "./diff.ts";
import { lintPlan } from "./lint.ts";
import { printPlan } from "./print.ts";
import type { Observation, Plan, Recorded, Resource } from "./resource.ts";

const MACHINES = 10_000;
const BUDGET_MS = 5000;

const makeSite = (): readonly Resource[] => {
  const site: Resource[] = [{ id: "network/metal1", kind: "network", host: "metal1", spec: { subnet: "10.91.0.0/16" }, needs: [] }];
  for (let index = 0; index < MACHINES; index += 1) {
    const host = `metal${index % 100}`;
    const [disk, machine] = [`disk/m${index}`, `machine/m${index}`];
    site.push({
      id: disk,
      kind: "disk",
      host,
      spec: { sizeBytes: 1024 ** 3, path: `/disks/m${index}.raw` },
      needs: [],
      data: true,
      replaceOn: ["path"],
    });
    site.push({
      id: machine,
      kind: "machine",
      host,
      spec: { cpus: 1, memoryBytes: 2 ** 29, address: `10.91.${index >> 8}.${index & 255}`, disks: [disk] },
      needs: [disk, "network/metal1"],
      replaceOn: ["image"],
      uses: { cpus: 1, memoryBytes: 2 ** 29 },
    });
    site.push({
      id: `generation/m${index}`,
      kind: "generation",
      host,
      spec: { files: { "/etc/hosts": "aa", "/etc/motd": "bb" }, units: ["a.service", "b.service"] },
      needs: [machine],
      lostWith: [machine],
    });
  }
  // One that needs all, as a gateway's upstreams do.
  site.push({
    id: "slot/gateway",
    kind: "slot",
    host: "metal1",
    spec: { upstreams: MACHINES },
    needs: site.filter(({ kind }) => kind === "machine").map(({ id }) => id),
  });
  return site;
};

const timed = (work: () => Plan): { readonly plan: Plan; readonly milliseconds: number } => {
  const begun = performance.now();
  return { plan: work(), milliseconds: performance.now() - begun };
};

test("plans of 10,000 machines take less than 5 s", () => {
  const desired = makeSite();
  const recorded = new Map<string, Recorded>(
    desired.map(({ id, kind, host, spec, needs, lostWith = [], data = false }) => [
      id,
      { id, kind, host, spec, needs, lostWith, data, output: {}, status: "active" },
    ]),
  );
  const observed = new Map<string, Observation>(desired.map(({ id, spec }) => [id, { status: "present", facts: structuredClone(spec) }]));
  const oneChanged = new Map(observed).set("network/metal1", { status: "present", facts: { subnet: "10.0.0.0/16" } });
  const options = {};
  const base: DiffInput = { site: "s", environment: "default", desired, recorded, observed };
  const whole = (input: DiffInput): Plan => {
    const plan = makePlan(input);
    lintPlan({ plan, desired: input.desired, recorded, hosts: {}, options });
    printPlan(plan, { color: false });
    return plan;
  };
  const runs = {
    create: timed(() => whole({ ...base, recorded: new Map(), observed: new Map() })),
    unchanged: timed(() => whole(base)),
    network: timed(() => whole({ ...base, observed: oneChanged })),
    destroy: timed(() => whole({ ...base, desired: [], options: { destroy: true, purge: true } })),
  };
  const changes = (plan: Plan): number => plan.steps.filter(({ action }) => action !== "keep").length;
  expect(Object.values(runs).map(({ plan }) => changes(plan))).toEqual([3 * MACHINES + 2, 0, 1, 3 * MACHINES + 2]);
  console.log(
    Object.entries(runs)
      .map(([name, { milliseconds }]) => `${name} ${Math.round(milliseconds)} ms`)
      .join(", "),
    `heap ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MiB, resident ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
  for (const { milliseconds } of Object.values(runs)) expect(milliseconds).toBeLessThan(BUDGET_MS);
});
