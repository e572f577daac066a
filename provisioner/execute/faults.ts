/**
 * Kill points: places where a test ends croft with SIGKILL. A step passes `before-intent`,
 * `after-intent`, `door-N-before` and `door-N-after` around its Nth effect, `after-effect` and
 * `after-result`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { appendFileSync } from "node:fs";

export type FaultPlan = {
  /** `STEP:POINT`, such as `machine/web:door-2-after`; `*` as STEP means every step. */
  readonly kill?: string;
  /** File that gets one line `STEP POINT` per point passed. */
  readonly record?: string;
};

type Context = { readonly step: string; doors: number };

const context = new AsyncLocalStorage<Context>();
let plan: FaultPlan = {};

/** Set once by the command line, from the environment. */
export const setFaults = (wanted: FaultPlan): void => {
  plan = wanted;
};

const die = async (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
};

/** Passes a kill point of a step. */
export const faultPoint = async (step: string, point: string): Promise<void> => {
  if (plan.record !== undefined) appendFileSync(plan.record, `${step} ${point}\n`);
  if (plan.kill === `${step}:${point}` || plan.kill === `*:${point}`) await die();
};

/** Runs a step's effect so that the doors inside know which step they belong to. */
export const insideStep = <T>(step: string, effect: () => Promise<T>): Promise<T> => context.run({ step, doors: 0 }, effect);

/** Called by every door around its effect; outside of a step it does nothing. */
export const doorPoint = async (phase: "before" | "after"): Promise<void> => {
  const here = context.getStore();
  if (here === undefined) return;
  if (phase === "before") here.doors += 1;
  await faultPoint(here.step, `door-${here.doors}-${phase}`);
};
