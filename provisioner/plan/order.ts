/** Which steps of a plan wait for which. Pure. */
import type { Decided, DiffInput } from "./diff.ts";
import type { Action, Recorded, Resource, ResourceId } from "./resource.ts";

type Waits = ReadonlySet<ResourceId>;
const NONE: Waits = new Set();
const LEAVING: ReadonlySet<Action> = new Set(["remove", "forget", "retain"]);

const isChanging = ({ decision }: Decided): boolean => decision.action !== "keep";

/** Creation follows `needs`, through what is kept to what changes; a hidden resource also follows what hides it. */
const orderDesired = (input: DiffInput, desired: readonly Decided[]): Map<ResourceId, Waits> => {
  const byId = new Map(input.desired.map((resource) => [resource.id, resource]));
  const changing = new Set(desired.filter(isChanging).map(({ id }) => id));
  const waits = new Map<ResourceId, Waits>();
  for (const { id } of desired) {
    const { needs, lostWith = [] } = byId.get(id) as Resource;
    const observed = input.observed.get(id);
    // Only what was decided earlier is in `waits`, so what hides it cannot close a cycle.
    const hiders = observed?.status === "hidden" && waits.has(observed.by) ? [observed.by] : [];
    const found = new Set<ResourceId>();
    for (const need of [...needs, ...lostWith, ...hiders]) {
      if (changing.has(need)) found.add(need);
      else for (const further of waits.get(need) ?? NONE) found.add(further);
    }
    waits.set(id, found.size === 0 ? NONE : found);
  }
  return waits;
};

/** What leaves waits for all that once needed it, whether that leaves too or only changes, and for what must be up to reach it. */
const orderLeaving = (
  input: DiffInput,
  steps: ReadonlyMap<ResourceId, Decided>,
  desired: ReadonlyMap<ResourceId, Waits>,
): Map<ResourceId, Set<ResourceId>> => {
  const waits = new Map<ResourceId, Set<ResourceId>>();
  const isComing = (id: ResourceId): boolean => {
    const step = steps.get(id);
    return step !== undefined && !LEAVING.has(step.decision.action);
  };
  for (const { id, decision } of steps.values()) {
    if (!LEAVING.has(decision.action)) continue;
    const observed = input.observed.get(id);
    // A service inside a machine that comes back is up only after what this once needed.
    const inside = observed?.status === "hidden" ? [observed.by, ...(input.recorded.get(id) as Recorded).needs] : [];
    waits.set(id, new Set(inside.flatMap((need) => (isComing(need) ? [need] : [...(desired.get(need) ?? NONE)]))));
  }
  for (const { id, needs, lostWith = [] } of input.recorded.values()) {
    if (!steps.has(id)) continue;
    for (const need of [...needs, ...lostWith]) waits.get(need)?.add(id);
  }
  return waits;
};

/** A step's id to the ids of steps that must be done first. */
export const orderSteps = (input: DiffInput, desired: readonly Decided[], leaving: readonly Decided[]): ReadonlyMap<ResourceId, Waits> => {
  const steps = new Map([...desired, ...leaving].filter(isChanging).map((decided) => [decided.id, decided]));
  const coming = orderDesired(input, desired);
  return new Map([...coming, ...orderLeaving(input, steps, coming)]);
};
