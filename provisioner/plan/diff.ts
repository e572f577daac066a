/** From what is wanted, recorded and observed to a plan without choices. Pure. */
import { hash } from "node:crypto";
import { decideDesired } from "./desired.ts";
import { decideLeaving } from "./leaving.ts";
import { orderSteps } from "./order.ts";
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
  /** What is missing here is absent. */
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  /** Steps that an earlier run began and never ended. */
  readonly unfinished?: ReadonlySet<ResourceId>;
  readonly options?: DiffOptions;
};

export type Decision = { readonly action: Action; readonly reason: string; readonly changes: readonly Change[] };

export type Decided = {
  readonly id: ResourceId;
  readonly kind: string;
  readonly host: string;
  readonly decision: Decision;
  readonly interrupts: readonly string[];
};

/** A step that is anything but `keep`. */
export const isChange = (step: Pick<Step, "action">): boolean => step.action !== "keep";

/** Says what a plan would do and in which order, not why. */
export const hashSteps = (steps: readonly Step[]): string => {
  const lines = steps.filter(isChange).map(({ id, action, changes, after }) => `${JSON.stringify([id, action, changes, after])}\n`);
  return hash("sha256", lines.join("")).slice(0, 16);
};

/** @throws CroftError PLAN_INVALID on a cycle. */
export const makePlan = (input: DiffInput): Plan => {
  const desired = decideDesired(input);
  const leaving = decideLeaving(input);
  const waits = orderSteps(input, desired, leaving);
  const steps = [...desired, ...leaving].map(({ id, kind, host, decision, interrupts }): Step => {
    const after = isChange(decision) ? [...(waits.get(id) as ReadonlySet<ResourceId>)] : [];
    return { id, kind, host, ...decision, after, interrupts };
  });
  return { site: input.site, environment: input.environment, steps, hash: hashSteps(steps) };
};

/** Nothing would be done. */
export const isEmpty = (plan: Plan): boolean => !plan.steps.some(isChange);

const essence = (plan: Plan): ReadonlyMap<ResourceId, string> =>
  new Map(plan.steps.map((step) => [step.id, `${step.action} ${JSON.stringify(step.changes)}`]));

/** One line for each step that is in only one of two plans, or another one there. */
export const planDifferences = (before: Plan, after: Plan): readonly string[] => {
  const old = essence(before);
  const now = essence(after);
  const ids = [...new Set([...old.keys(), ...now.keys()])].filter((id) => old.get(id) !== now.get(id));
  return ids.map((id) => `${id}: ${old.get(id) ?? "nothing"}, now ${now.get(id) ?? "nothing"}`);
};
