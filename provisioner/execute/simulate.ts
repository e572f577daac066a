/** A run on fakes in memory: the real plan, order and executor, and no effect at all. What is recorded counts as in place. */
import type { Observation, Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { State, StateStore } from "../state/store.ts";
import type { PlanInput, Planned } from "./apply.ts";
import type { Driver } from "./driver.ts";
import type { Emit } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Drivers } from "./observe.ts";
import { runPlan } from "./run.ts";
import type { RunResult } from "./run.ts";

type Held = Pick<Recorded, "spec" | "lostWith">;

/** What lived on a removed object is gone with it. */
const removeWithPassengers = (world: Map<ResourceId, Held>, id: ResourceId): void => {
  world.delete(id);
  for (const [other, { lostWith }] of world) if (lostWith?.includes(id) === true) removeWithPassengers(world, other);
};

const makeDriver = (world: Map<ResourceId, Held>, kind: string): Driver => ({
  kind,
  observe: async (requests) =>
    new Map(
      requests.map(({ id }): [ResourceId, Observation] => {
        const found = world.get(id);
        return [id, found === undefined ? { status: "absent" } : { status: "present", facts: found.spec }];
      }),
    ),
  apply: async ({ resource, step }) => {
    if (step.action === "replace") removeWithPassengers(world, resource.id);
    world.set(resource.id, resource);
    return {};
  },
  remove: async ({ recorded }) => removeWithPassengers(world, recorded.id),
});

/** Drivers for every kind that is desired or recorded, over one world. */
export const makeSimulatedDrivers = (desired: readonly Resource[], recorded: readonly Recorded[]): Drivers => {
  const world = new Map<ResourceId, Held>(recorded.map((record) => [record.id, record]));
  return new Map([...desired, ...recorded].map(({ kind }) => [kind, makeDriver(world, kind)]));
};

const memoryStore = (first: State): StateStore => {
  let state = first;
  return {
    read: async () => state,
    write: async (next) => void (state = next),
    restore: async () => state.serial,
    remove: async () => {},
  };
};

const silentJournal: Journal = { append: async () => {}, close: async () => {} };

export type SimulateInput = {
  readonly planned: Planned;
  readonly input: PlanInput;
  readonly emit: Emit;
  readonly now: () => string;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
  readonly perHost: number;
};

/** No lock, no journal, no state file: only the walk itself. */
export const simulatePlan = ({ planned, input, ...tools }: SimulateInput): Promise<RunResult> => {
  const state: State = { ...input.state, resources: [...planned.recorded.values()] };
  return runPlan({
    ...tools,
    run: "simulated",
    plan: planned.plan,
    desired: new Map(input.desired.map((resource) => [resource.id, resource])),
    observed: planned.observed,
    drivers: input.drivers,
    journal: silentJournal,
    store: memoryStore(state),
    state,
    retry: { waits: [] },
  });
};
