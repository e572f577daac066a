/** What becomes of each desired resource. Pure. */
import { compareSpecs, topProperty } from "./compare.ts";
import type { Decided, Decision, DiffInput } from "./diff.ts";
import { topologicalOrder } from "./graph.ts";
import type { Action, Change, JsonObject, Observation, Recorded, Resource, ResourceId } from "./resource.ts";

const UNFINISHED = "an earlier run did not finish it";
const KEEP: Decision = { action: "keep", reason: "as wanted", changes: [] };
const ABSENT: Observation = { status: "absent" };

/** Carriers that this plan makes anew, and how. */
type Anew = ReadonlyMap<ResourceId, Action>;
type Look = { readonly resource: Resource; readonly recorded: Recorded | undefined; readonly unfinished: boolean };

const creation = (resource: Resource, reason: string): Decision => ({ action: "create", reason, changes: compareSpecs({}, resource.spec) });

const touch = (reason: string): Decision => ({ action: "update", reason, changes: [] });

const change = (resource: Resource, changes: readonly Change[], reason: string): Decision => {
  const forcing = new Set(resource.replaceOn ?? []);
  // A property that is not there yet (half made by a killed run) is set, not changed.
  const forces = ({ path, from }: Change): boolean => forcing.has(topProperty(path)) && !(from === undefined && forcing.has(path));
  const marked = changes.map((item) => (forces(item) ? { ...item, forcesReplacement: true } : item));
  const replaced = marked.some((item) => item.forcesReplacement === true);
  return { action: replaced ? "replace" : "update", reason, changes: marked };
};

const absentReason = ({ recorded, unfinished }: Look): string => {
  if (unfinished) return UNFINISHED;
  return recorded === undefined ? "new" : "was created by croft and is gone";
};

const decideLost = (look: Look, carrier: ResourceId, how: Action): Decision =>
  creation(look.resource, look.recorded === undefined ? absentReason(look) : `lives on ${carrier}, which is ${how}d`);

const decideHidden = (look: Look, by: ResourceId, anew: Anew): Decision => {
  const { resource, recorded, unfinished } = look;
  if (recorded === undefined) {
    if (unfinished || anew.has(by)) return creation(resource, absentReason(look));
    return creation(resource, `new; ${by} hides whether it is there`);
  }
  const changes = compareSpecs(recorded.spec, resource.spec);
  if (changes.length > 0) return change(resource, changes, `configuration changed; ${by} hides it now`);
  return unfinished ? touch(UNFINISHED) : { action: "verify", reason: `verify after ${by} starts`, changes: [] };
};

const differenceReason = ({ resource, recorded, unfinished }: Look): string => {
  if (unfinished) return UNFINISHED;
  if (recorded === undefined) return "there, but not as wanted";
  return compareSpecs(recorded.spec, resource.spec).length > 0 ? "configuration changed" : "drifted from what croft applied";
};

const decidePresent = (look: Look, facts: JsonObject): Decision => {
  const { resource, recorded, unfinished } = look;
  const changes = compareSpecs(facts, resource.spec);
  if (changes.length > 0) return change(resource, changes, differenceReason(look));
  if (unfinished) return touch(UNFINISHED);
  if (recorded === undefined) return touch("there already; croft takes note of it");
  if (recorded.status === "kept") return touch("its data stayed; in use again");
  return compareSpecs(recorded.spec, resource.spec).length > 0 ? touch("as wanted already; croft takes note of it") : KEEP;
};

const decide = (look: Look, observed: Observation, anew: Anew, unfinished: ReadonlySet<ResourceId>): Decision => {
  const { lostWith = [] } = look.resource;
  const lost = lostWith.find((carrier) => anew.has(carrier));
  if (lost !== undefined) return decideLost(look, lost, anew.get(lost) as Action);
  if (observed.status === "absent") return creation(look.resource, absentReason(look));
  // A run may have been killed between taking the old carrier away and finishing the new one: to create is to ensure.
  const shaken =
    observed.status === "hidden" && look.recorded !== undefined ? lostWith.find((carrier) => unfinished.has(carrier)) : undefined;
  if (shaken !== undefined) return creation(look.resource, `lives on ${shaken}, which an earlier run did not finish`);
  return observed.status === "hidden" ? decideHidden(look, observed.by, anew) : decidePresent(look, observed.facts);
};

const interruptions = ({ interrupts }: Resource, { action, changes }: Decision): readonly string[] => {
  if (interrupts === undefined || (action !== "update" && action !== "replace")) return [];
  return [...new Set([...changes.map(({ path }) => interrupts[topProperty(path)]), interrupts["*"]])].filter((text) => text !== undefined);
};

/** Every desired resource with its decision, each after all it needs. @throws CroftError PLAN_INVALID on a cycle. */
export const decideDesired = (input: DiffInput): readonly Decided[] => {
  const byId = new Map(input.desired.map((resource) => [resource.id, resource]));
  const edges = new Map(input.desired.map(({ id, needs, lostWith }) => [id, [...needs, ...(lostWith ?? [])]]));
  const unfinished = input.unfinished ?? new Set();
  const anew = new Map<ResourceId, Action>();
  return topologicalOrder(edges).map((id) => {
    const resource = byId.get(id) as Resource;
    const look = { resource, recorded: input.recorded.get(id), unfinished: unfinished.has(id) };
    const decision = decide(look, input.observed.get(id) ?? ABSENT, anew, unfinished);
    if (decision.action === "create" || decision.action === "replace") anew.set(id, decision.action);
    return { id, kind: resource.kind, host: resource.host, decision, interrupts: interruptions(resource, decision) };
  });
};
