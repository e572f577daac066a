/** From what is wanted, recorded and observed to a plan without choices. Pure. */
import { createHash } from "node:crypto";
import { compareSpecs, topProperty } from "./compare.ts";
import { topologicalOrder } from "./graph.ts";
import type { Action, Change, Observation, Plan, Recorded, Resource, ResourceId, Step } from "./resource.ts";

export type DiffOptions = {
  /** Nothing is desired: the site goes. */
  readonly destroy?: boolean;
  /** With `destroy`: what holds data goes too. */
  readonly purge?: boolean;
  /** Ids, or names after the last `/`, of data that may go. */
  readonly allowDestroy?: readonly string[];
};

export type DiffInput = {
  readonly site: string;
  readonly environment: string;
  readonly desired: readonly Resource[];
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  /** Steps that an earlier run began and never ended. */
  readonly unfinished?: ReadonlySet<ResourceId>;
  readonly options?: DiffOptions;
};

type Decision = { readonly action: Action; readonly reason: string; readonly changes: readonly Change[] };

const ABSENT: Observation = { status: "absent" };
const CHANGING: ReadonlySet<Action> = new Set(["create", "update", "replace", "remove", "verify", "retain", "forget"]);

/** A step that is anything but `keep`. */
export const isChange = (step: Pick<Step, "action">): boolean => CHANGING.has(step.action);

export const isAllowed = (id: ResourceId, options: DiffOptions): boolean =>
  options.purge === true ||
  (options.allowDestroy ?? []).some((name) => name === id || name === id.slice(id.lastIndexOf("/") + 1) || name === id.slice(id.indexOf("/") + 1));

const decideChanged = (resource: Resource, changes: readonly Change[], what: string): Decision => {
  const forcing = new Set(resource.replaceOn ?? []);
  const marked = changes.map((change) => (forcing.has(topProperty(change.path)) ? { ...change, forcesReplacement: true } : change));
  const replaced = marked.some((change) => change.forcesReplacement === true);
  return { action: replaced ? "replace" : "update", reason: what, changes: marked };
};

const creation = (resource: Resource, reason: string): Decision => ({
  action: "create",
  reason,
  changes: compareSpecs({}, resource.spec),
});

const decideHidden = (resource: Resource, recorded: Recorded | undefined, by: ResourceId, unfinished: boolean): Decision => {
  if (recorded === undefined) return creation(resource, `new; ${by} hides whether it is there`);
  const changes = compareSpecs(recorded.spec, resource.spec);
  if (changes.length > 0) return decideChanged(resource, changes, `changed since it was last applied; ${by} hides it now`);
  if (unfinished) return { action: "update", reason: "an earlier run did not finish it", changes: [] };
  return { action: "verify", reason: `verify after ${by} starts`, changes: [] };
};

const absentReason = (recorded: Recorded | undefined, unfinished: boolean): string => {
  if (unfinished) return "an earlier run did not finish it";
  return recorded === undefined ? "new" : "croft made it and it is gone";
};

const changedReason = (recorded: Recorded | undefined, resource: Resource, unfinished: boolean): string => {
  if (unfinished) return "an earlier run did not finish it";
  if (recorded === undefined) return "there, but not as wanted";
  return compareSpecs(recorded.spec, resource.spec).length > 0 ? "configuration changed" : "drifted from what croft applied";
};

const decide = (input: DiffInput, resource: Resource, lost: ResourceId | undefined): Decision => {
  const recorded = input.recorded.get(resource.id);
  const observed = input.observed.get(resource.id) ?? ABSENT;
  const unfinished = input.unfinished?.has(resource.id) ?? false;
  if (lost !== undefined) return creation(resource, `lives on ${lost}, which is made anew`);
  if (observed.status === "absent") return creation(resource, absentReason(recorded, unfinished));
  if (observed.status === "hidden") return decideHidden(resource, recorded, observed.by, unfinished);
  const changes = compareSpecs(observed.facts, resource.spec);
  if (changes.length > 0) return decideChanged(resource, changes, changedReason(recorded, resource, unfinished));
  if (recorded === undefined || recorded.status === "kept") {
    return { action: "update", reason: recorded === undefined ? "there already; croft takes note of it" : "its data stayed; in use again", changes: [] };
  }
  return { action: "keep", reason: "as wanted", changes: [] };
};

const decideRemoval = (input: DiffInput, record: Recorded, retained: ReadonlySet<ResourceId>, removed: ReadonlySet<ResourceId>): Decision => {
  const options = input.options ?? {};
  const observed = input.observed.get(record.id) ?? ABSENT;
  const reason = options.destroy === true ? "the site is destroyed" : "no longer in croft.yaml";
  if (retained.has(record.id)) {
    if (record.status === "kept") return { action: "keep", reason: "its data stays", changes: [] };
    return { action: "retain", reason: record.data === true ? "holds data; stays" : "stays with the data it belongs to", changes: [] };
  }
  if (record.cached === true) return { action: "forget", reason: "stays in the cache", changes: [] };
  if (observed.status === "absent") return { action: "forget", reason: "already gone", changes: [] };
  const carrier = (record.lostWith ?? []).find((id) => removed.has(id));
  if (carrier !== undefined) return { action: "forget", reason: `goes with ${carrier}`, changes: [] };
  return { action: "remove", reason, changes: [] };
};

/** What stays when the site goes: data that may not go, and what belongs to it. */
const findRetained = (records: readonly Recorded[], options: DiffOptions): ReadonlySet<ResourceId> => {
  if (options.destroy !== true) return new Set(records.filter((record) => record.status === "kept" && !isAllowed(record.id, options)).map((record) => record.id));
  const data = records.filter((record) => record.data === true && !isAllowed(record.id, options)).map((record) => record.id);
  const kept = new Set(data);
  for (const record of records) {
    if ((record.keptWith ?? []).some((id) => kept.has(id)) && !isAllowed(record.id, options)) kept.add(record.id);
  }
  return kept;
};

const interruptions = (resource: Resource | undefined, decision: Decision): readonly string[] => {
  if (resource?.interrupts === undefined || (decision.action !== "update" && decision.action !== "replace")) return [];
  const { interrupts } = resource;
  const named = decision.changes.flatMap((change) => interrupts[topProperty(change.path)] ?? []);
  const always = interrupts["*"] === undefined ? [] : [interrupts["*"]];
  return [...new Set([...named, ...always])];
};

type Decided = { readonly id: ResourceId; readonly kind: string; readonly host: string; readonly decision: Decision; readonly interrupts: readonly string[] };

/** Steps a step waits for: through what is kept, to what changes. */
const makeWaits = (needs: ReadonlyMap<ResourceId, readonly ResourceId[]>, changing: ReadonlySet<ResourceId>) => {
  const known = new Map<ResourceId, ReadonlySet<ResourceId>>();
  const waits = (id: ResourceId): ReadonlySet<ResourceId> => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const result = new Set<ResourceId>();
    known.set(id, result);
    for (const need of needs.get(id) ?? []) {
      if (changing.has(need)) result.add(need);
      else for (const further of waits(need)) result.add(further);
    }
    return result;
  };
  return waits;
};

const decideDesired = (input: DiffInput): readonly Decided[] => {
  const byId = new Map(input.desired.map((resource) => [resource.id, resource]));
  const edges = new Map(input.desired.map((resource) => [resource.id, [...resource.needs, ...(resource.lostWith ?? [])].filter((id) => byId.has(id))]));
  const anew = new Set<ResourceId>();
  return topologicalOrder(edges).map((id) => {
    const resource = byId.get(id) as Resource;
    const decision = decide(input, resource, (resource.lostWith ?? []).find((carrier) => anew.has(carrier)));
    if (decision.action === "create" || decision.action === "replace") anew.add(id);
    return { id, kind: resource.kind, host: resource.host, decision, interrupts: interruptions(resource, decision) };
  });
};

const decideRecorded = (input: DiffInput): readonly Decided[] => {
  const wanted = new Set(input.desired.map((resource) => resource.id));
  const leaving = [...input.recorded.values()].filter((record) => !wanted.has(record.id));
  const leavingIds = new Set(leaving.map((record) => record.id));
  const edges = new Map(leaving.map((record) => [record.id, [...(record.lostWith ?? []), ...(record.keptWith ?? [])].filter((id) => leavingIds.has(id))]));
  const ordered = topologicalOrder(edges).map((id) => input.recorded.get(id) as Recorded);
  const retained = findRetained(ordered, input.options ?? {});
  const removed = new Set<ResourceId>();
  return ordered.map((record) => {
    const decision = decideRemoval(input, record, retained, removed);
    if (decision.action === "remove" || decision.action === "forget") removed.add(record.id);
    return { id: record.id, kind: record.kind, host: record.host, decision, interrupts: [] };
  });
};

const LEAVING: ReadonlySet<Action> = new Set(["remove", "forget", "retain"]);

/** What leaves waits for all that once needed it, whether that leaves too or only changes. */
const reversedNeeds = (input: DiffInput, leaving: ReadonlySet<ResourceId>, changing: ReadonlySet<ResourceId>): ReadonlyMap<ResourceId, readonly ResourceId[]> => {
  const users = new Map<ResourceId, ResourceId[]>();
  for (const record of input.recorded.values()) {
    if (!changing.has(record.id)) continue;
    for (const need of record.needs) {
      if (leaving.has(need)) users.set(need, [...(users.get(need) ?? []), record.id]);
    }
  }
  return users;
};

export const hashSteps = (steps: readonly Step[]): string => {
  const essence = steps.filter(isChange).map(({ id, action, changes, after }) => [id, action, changes, after]);
  return createHash("sha256").update(JSON.stringify(essence)).digest("hex").slice(0, 16);
};

export const makePlan = (input: DiffInput): Plan => {
  const decided = [...decideDesired(input), ...decideRecorded(input)];
  const changing = new Set(decided.filter(({ decision }) => decision.action !== "keep").map(({ id }) => id));
  const leaving = new Set(decided.filter(({ decision }) => LEAVING.has(decision.action)).map(({ id }) => id));
  const waits = makeWaits(new Map(input.desired.map((resource) => [resource.id, resource.needs])), changing);
  const users = reversedNeeds(input, leaving, changing);
  const steps = decided.map(({ id, kind, host, decision, interrupts }): Step => {
    const after = leaving.has(id) ? (users.get(id) ?? []) : [...waits(id)].filter((need) => !leaving.has(need));
    return { id, kind, host, ...decision, after, interrupts };
  });
  return { site: input.site, environment: input.environment, steps, hash: hashSteps(steps) };
};

/** Nothing would be done. */
export const isEmpty = (plan: Plan): boolean => !plan.steps.some(isChange);
