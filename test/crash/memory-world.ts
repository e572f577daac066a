/** A site in memory by the real plan, journal order and executor: things drift, hide, fail and are killed. */
import type { Driver } from "../../provisioner/execute/driver.ts";
import { findUnfinished, makeOrderCheck, recallRecords, unendedSteps } from "../../provisioner/execute/journal-entry.ts";
import type { Entry, Journal } from "../../provisioner/execute/journal.ts";
import { observeAll } from "../../provisioner/execute/observe.ts";
import { runPlan } from "../../provisioner/execute/run.ts";
import type { RunResult } from "../../provisioner/execute/run.ts";
import { isEmpty, makePlan } from "../../provisioner/plan/diff.ts";
import type { DiffOptions } from "../../provisioner/plan/diff.ts";
import { lintPlan } from "../../provisioner/plan/lint.ts";
import type { JsonObject, Observation, Plan, Recorded, Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import { emptyState } from "../../provisioner/state/store.ts";
import type { State } from "../../provisioner/state/store.ts";

type Object_ = { facts: JsonObject; readonly resource: Pick<Resource, "lostWith"> };
export type World = {
  readonly objects: Map<ResourceId, Object_>;
  state: State;
  readonly entries: Entry[];
  log: string[];
  killIn: number;
  /** Machines that run and cannot be reached: what is on them is hidden. */
  readonly lost: Set<ResourceId>;
  failAt: ResourceId | undefined;
};

class Killed extends Error {}

/** Counts down to the kill; after it nothing reaches the world, the journal or the state any more. */
const pass = (world: World): void => {
  world.killIn -= 1;
  if (world.killIn <= 0) throw new Killed("killed");
};

const isUp = (world: World, id: ResourceId): boolean => world.objects.get(id)?.facts["running"] === true && !world.lost.has(id);
const carrierOf = (id: ResourceId): ResourceId | undefined => (/^(inner|base)\//.test(id) ? `machine/${id.split("/")[1]}` : undefined);

export const take = (world: World, id: ResourceId): void => {
  world.objects.delete(id);
  for (const [other, { resource }] of world.objects) if (resource.lostWith?.includes(id) === true) take(world, other);
};

export const observe = (world: World, id: ResourceId): Observation => {
  const carrier = carrierOf(id);
  if (carrier !== undefined && !isUp(world, carrier)) return { status: "hidden", by: carrier };
  const found = world.objects.get(id);
  return found === undefined ? { status: "absent" } : { status: "present", facts: found.facts };
};

const needsCarrier = (world: World, id: ResourceId): void => {
  const carrier = carrierOf(id);
  if (carrier !== undefined && !isUp(world, carrier)) throw new Error(`${id} cannot be reached: ${carrier} is not up`);
};

const makeDriver = (world: World, kind: string): Driver => ({
  kind,
  observe: async (requests) => new Map(requests.map(({ id }) => [id, observe(world, id)])),
  apply: async ({ resource, step }) => {
    const { id, spec } = resource;
    needsCarrier(world, id);
    for (const need of resource.needs) if (!world.objects.has(need)) throw new Error(`${id} was begun before ${need}`);
    world.log.push(`${step.action} ${id}`);
    if (step.action === "replace") {
      pass(world);
      take(world, id);
    }
    pass(world);
    if (!world.objects.has(id)) world.objects.set(id, { facts: {}, resource: { lostWith: resource.lostWith ?? [] } });
    if (world.failAt === id) throw new Error("told to fail");
    pass(world);
    world.objects.set(id, { facts: spec, resource: { lostWith: resource.lostWith ?? [] } });
    pass(world);
    return { of: id };
  },
  remove: async ({ recorded: { id }, step }) => {
    needsCarrier(world, id);
    world.log.push(`${step.action} ${id}`);
    pass(world);
    if (world.failAt === id) throw new Error("told to fail");
    take(world, id);
    pass(world);
  },
});

const KINDS = ["disk", "machine", "inner", "base", "cache", "secret"] as const;

const makeJournal = (world: World): Journal => {
  const check = makeOrderCheck();
  return {
    append: async (entry) => {
      pass(world);
      const problem = check(entry);
      if (problem !== undefined) throw new Error(problem);
      world.entries.push(entry);
    },
    close: async () => {},
  };
};

type Planned = {
  readonly plan: Plan;
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  readonly errors: readonly string[];
};

const drivers = (world: World): ReadonlyMap<string, Driver> => new Map(KINDS.map((kind) => [kind, makeDriver(world, kind)]));

export const planWorld = async (world: World, desired: readonly Resource[], options: DiffOptions): Promise<Planned> => {
  const unfinished = findUnfinished(world.entries, world.state);
  const recorded = recallRecords(world.state.resources, unfinished, new Set(desired.map(({ id }) => id)));
  const observed = await observeAll(desired, [...recorded.values()], drivers(world));
  const plan = makePlan({ site: "s", environment: "default", desired, recorded, observed, unfinished: unendedSteps(unfinished), options });
  const errors = lintPlan({ plan, desired, recorded, hosts: {}, options })
    .filter(({ level }) => level === "error")
    .map(({ message }) => message);
  return { plan, recorded, observed, errors };
};

let runs = 0;
export const runWorld = async (
  world: World,
  desired: readonly Resource[],
  options: DiffOptions,
  perHost: number,
): Promise<{ readonly planned: Planned; readonly result: RunResult | undefined }> => {
  const planned = await planWorld(world, desired, options);
  if (isEmpty(planned.plan) || planned.errors.length > 0) return { planned, result: undefined };
  const journal = makeJournal(world);
  world.log = [];
  const write = async (state: State): Promise<void> => {
    pass(world);
    world.state = state;
  };
  const state = { ...world.state, serial: world.state.serial + 1, resources: [...planned.recorded.values()] };
  try {
    await journal.append({
      type: "run-started",
      run: `r${(runs += 1)}`,
      at: "",
      site: world.state.siteId,
      who: { user: "", host: "", pid: 0, command: "", croft: "" },
      plan: planned.plan.hash,
    });
    await write(state);
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return { planned, result: undefined };
  }
  const result = await runPlan({
    run: `r${runs}`,
    plan: planned.plan,
    desired: new Map(desired.map((resource) => [resource.id, resource])),
    observed: planned.observed,
    drivers: drivers(world),
    journal,
    store: { read: async () => world.state, write, restore: async () => 0, remove: async () => {} },
    state,
    emit: () => {},
    now: () => "",
    monotonic: () => 0,
    signal: new AbortController().signal,
    perHost,
    retry: { waits: [] },
  });
  return { planned, result };
};

export const emptyWorld = (): World => ({
  objects: new Map(),
  state: emptyState("site"),
  entries: [],
  log: [],
  killIn: Infinity,
  lost: new Set(),
  failAt: undefined,
});
