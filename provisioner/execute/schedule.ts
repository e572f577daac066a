/** Which steps may start: all their forerunners are done and their host has room. Linear in steps and edges. */
import { getDependents } from "../plan/graph.ts";
import type { ResourceId, Step } from "../plan/resource.ts";

export type Schedule = {
  /** The next step to start now, in the plan's order per host; taken off the list. */
  readonly take: () => Step | undefined;
  /** A step has ended; `released` lets those that wait for it go on. */
  readonly end: (step: Step, released: boolean) => void;
  readonly notStarted: () => readonly ResourceId[];
};

type Queue = { readonly ready: Step[]; next: number; busy: number };

export const makeSchedule = (steps: readonly Step[], perHost: number): Schedule => {
  const waiting = new Map(steps.map((step) => [step.id, step]));
  const open = new Map(steps.map(({ id, after }) => [id, after.filter((need) => waiting.has(need)).length]));
  const dependents = getDependents(new Map(steps.map(({ id, after }) => [id, after])));
  const queues = new Map<string, Queue>();
  const makeReady = (step: Step): void => {
    const queue = queues.get(step.host) ?? { ready: [], next: 0, busy: 0 };
    queues.set(step.host, queue);
    queue.ready.push(step);
  };
  const byId = new Map(waiting);
  for (const step of steps) if (open.get(step.id) === 0) makeReady(step);
  const take = (): Step | undefined => {
    for (const queue of queues.values()) {
      const step = queue.busy < perHost ? queue.ready[queue.next] : undefined;
      if (step === undefined) continue;
      queue.next += 1;
      queue.busy += 1;
      waiting.delete(step.id);
      return step;
    }
    return undefined;
  };
  const release = (id: ResourceId): void => {
    const left = (open.get(id) as number) - 1;
    open.set(id, left);
    if (left === 0) makeReady(byId.get(id) as Step);
  };
  const end = (step: Step, released: boolean): void => {
    (queues.get(step.host) as Queue).busy -= 1;
    if (released) (dependents.get(step.id) ?? []).forEach(release);
  };
  return { take, end, notStarted: () => [...waiting.keys()] };
};
