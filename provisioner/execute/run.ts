/** Does a plan: independent steps side by side, each journalled before and after, state written after each. */
import { CroftError, errorChain } from "../errors.ts";
import { compareSpecs } from "../plan/compare.ts";
import { isChange } from "../plan/diff.ts";
import type { JsonObject, Observation, Plan, Recorded, Resource, ResourceId, Step } from "../plan/resource.ts";
import type { State, StateStore } from "../state/store.ts";
import type { Driver } from "./driver.ts";
import type { Emit } from "./events.ts";
import { faultPoint, insideStep } from "./faults.ts";
import type { Journal } from "./journal.ts";

export type RunInput = {
  readonly run: string;
  readonly plan: Plan;
  readonly desired: ReadonlyMap<ResourceId, Resource>;
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly journal: Journal;
  readonly store: StateStore;
  readonly state: State;
  readonly emit: Emit;
  /** Wall clock for the journal, ISO 8601. */
  readonly now: () => string;
  /** Milliseconds that only grow. */
  readonly monotonic: () => number;
  /** Aborted by SIGINT and SIGTERM: no new step starts. */
  readonly signal: AbortSignal;
  readonly perHost: number;
};

export type RunResult = {
  readonly state: State;
  readonly done: readonly ResourceId[];
  readonly failed: readonly { readonly step: Step; readonly error: unknown }[];
  /** Verified, and not as wanted: the next plan will say what to do. */
  readonly differs: readonly ResourceId[];
  readonly notStarted: readonly ResourceId[];
};

const driverOf = (input: RunInput, kind: string): Driver => {
  const driver = input.drivers.get(kind);
  if (driver === undefined) throw new CroftError("BUG", `no driver for resources of kind ${kind}`);
  return driver;
};

const toRecord = (resource: Resource, output: JsonObject): Recorded => ({
  id: resource.id,
  kind: resource.kind,
  host: resource.host,
  spec: resource.spec,
  needs: resource.needs,
  ...(resource.lostWith === undefined ? {} : { lostWith: resource.lostWith }),
  ...(resource.data === undefined ? {} : { data: resource.data }),
  ...(resource.keptWith === undefined ? {} : { keptWith: resource.keptWith }),
  ...(resource.cached === undefined ? {} : { cached: resource.cached }),
  output,
  status: "active",
});

type Outcome = { readonly output: JsonObject; readonly differs?: string };

const verify = async (input: RunInput, step: Step, resource: Resource, recorded: Recorded | undefined): Promise<Outcome> => {
  const found = await driverOf(input, step.kind).observe([{ id: step.id, resource, recorded }]);
  const observation = found.get(step.id) ?? { status: "absent" };
  const output = recorded?.output ?? {};
  if (observation.status === "hidden") return { output, differs: `still hidden by ${observation.by}` };
  if (observation.status === "absent") return { output, differs: "it is gone" };
  const changes = compareSpecs(observation.facts, resource.spec);
  return changes.length === 0 ? { output } : { output, differs: `different: ${changes.map((change) => change.path).join(", ")}` };
};

/** The whole of what one step does; nothing here decides. */
const act = async (input: RunInput, step: Step, recorded: Recorded | undefined): Promise<Outcome> => {
  const progress = (text: string): void => input.emit({ type: "step-progress", step, text });
  if (step.action === "forget" || step.action === "retain") return { output: recorded?.output ?? {} };
  const driver = driverOf(input, step.kind);
  if (step.action === "remove") {
    if (recorded !== undefined) await driver.remove({ step, recorded, progress, signal: input.signal });
    return { output: {} };
  }
  const resource = input.desired.get(step.id);
  if (resource === undefined) throw new CroftError("BUG", `the plan has a step for ${step.id}, which nobody desires`);
  if (step.action === "verify") return verify(input, step, resource, recorded);
  const observed = input.observed.get(step.id) ?? { status: "absent" as const };
  return { output: await driver.apply({ step, resource, recorded, observed, progress, signal: input.signal }) };
};

/** Resources of the state with one step's result in place. */
const recordResult = (resources: Map<ResourceId, Recorded>, input: RunInput, step: Step, outcome: Outcome): void => {
  const resource = input.desired.get(step.id);
  const known = resources.get(step.id);
  if (step.action === "remove" || step.action === "forget") resources.delete(step.id);
  else if (step.action === "retain") {
    if (known !== undefined) resources.set(step.id, { ...known, status: "kept" });
  } else if (resource !== undefined && outcome.differs === undefined) resources.set(step.id, toRecord(resource, outcome.output));
};

type Walk = {
  readonly resources: Map<ResourceId, Recorded>;
  state: State;
  readonly done: ResourceId[];
  readonly differs: ResourceId[];
  readonly failed: { step: Step; error: unknown }[];
};

const writeState = (input: RunInput, walk: Walk): Promise<void> => {
  walk.state = { ...walk.state, serial: walk.state.serial + 1, resources: [...walk.resources.values()] };
  return input.store.write(walk.state);
};

/** State is one file: writes queue up, each with all that is known by then. */
const makeWriter = (input: RunInput, walk: Walk) => {
  let last: Promise<void> = Promise.resolve();
  return (): Promise<void> => {
    const next = last.then(() => writeState(input, walk));
    last = next.catch(() => {});
    return next;
  };
};

/** True where the steps that wait for this one may go on. */
const runStep = async (input: RunInput, walk: Walk, write: () => Promise<void>, step: Step): Promise<boolean> => {
  const started = input.monotonic();
  const since = (): number => Math.round(input.monotonic() - started);
  await faultPoint(step.id, "before-intent");
  await input.journal.append({ type: "intent", run: input.run, at: input.now(), step: step.id, action: step.action, changes: step.changes });
  await faultPoint(step.id, "after-intent");
  input.emit({ type: "step-started", step });
  try {
    const outcome = await insideStep(step.id, () => act(input, step, walk.resources.get(step.id)));
    await faultPoint(step.id, "after-effect");
    await input.journal.append({ type: "done", run: input.run, at: input.now(), step: step.id, durationMs: since(), output: outcome.output });
    recordResult(walk.resources, input, step, outcome);
    await write();
    await faultPoint(step.id, "after-result");
    if (outcome.differs === undefined) {
      walk.done.push(step.id);
      input.emit({ type: "step-done", step, durationMs: since() });
      return true;
    }
    walk.differs.push(step.id);
    input.emit({ type: "step-differs", step, durationMs: since(), reason: outcome.differs });
  } catch (error) {
    walk.failed.push({ step, error });
    input.emit({ type: "step-failed", step, durationMs: since(), error });
    await input.journal
      .append({ type: "failed", run: input.run, at: input.now(), step: step.id, durationMs: since(), error: errorChain(error).join(": ") })
      .catch(() => {});
  }
  return false;
};

/** Steps whose forerunners are all done, in the plan's order, as long as nothing failed and nobody asked to stop. */
export const runPlan = async (input: RunInput): Promise<RunResult> => {
  const waiting = new Map(input.plan.steps.filter(isChange).map((step) => [step.id, step]));
  const walk: Walk = { resources: new Map(input.state.resources.map((record) => [record.id, record])), state: input.state, done: [], differs: [], failed: [] };
  const write = makeWriter(input, walk);
  const settled = new Set<ResourceId>();
  const busy = new Map<string, number>();
  const running = new Map<ResourceId, Promise<void>>();
  const mayStart = (step: Step): boolean => (busy.get(step.host) ?? 0) < input.perHost && step.after.every((id) => settled.has(id));
  const start = (step: Step): void => {
    waiting.delete(step.id);
    busy.set(step.host, (busy.get(step.host) ?? 0) + 1);
    const work = runStep(input, walk, write, step).then((isSettled) => {
      busy.set(step.host, (busy.get(step.host) ?? 1) - 1);
      if (isSettled) settled.add(step.id);
      running.delete(step.id);
    });
    running.set(step.id, work);
  };
  for (;;) {
    if (walk.failed.length === 0 && !input.signal.aborted) {
      for (const step of waiting.values()) if (mayStart(step)) start(step);
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  return { state: walk.state, done: walk.done, failed: walk.failed, differs: walk.differs, notStarted: [...waiting.keys()] };
};
