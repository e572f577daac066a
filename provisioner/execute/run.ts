/** Does a plan: independent steps side by side, each journalled before and after, state written after each. */
import { errorChain } from "../errors.ts";
import { isChange } from "../plan/diff.ts";
import type { Plan, Recorded, Resource, ResourceId, Step } from "../plan/resource.ts";
import type { State, StateStore } from "../state/store.ts";
import { faultPoint, insideStep } from "./faults.ts";
import type { Journal } from "./journal.ts";
import { retryTransient } from "./retry.ts";
import type { RetryOptions } from "./retry.ts";
import { makeSchedule } from "./schedule.ts";
import { act, recordResult, toRecord } from "./step.ts";
import type { Outcome, StepInput } from "./step.ts";

export type RunInput = StepInput & {
  readonly run: string;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly store: StateStore;
  /** Its resources include what killed runs began and no state holds. */
  readonly state: State;
  /** Wall clock for the journal, ISO 8601. */
  readonly now: () => string;
  /** Milliseconds that only grow. */
  readonly monotonic: () => number;
  readonly perHost: number;
  /** Tries of each step by earlier runs that never ended it. */
  readonly attempts?: ReadonlyMap<ResourceId, number>;
  /** Waits between tries of a step that failed for a passing reason. */
  readonly retry?: Pick<RetryOptions, "waits" | "sleep">;
};

export type RunResult = {
  readonly state: State;
  readonly done: readonly ResourceId[];
  readonly failed: readonly { readonly step: Step; readonly error: unknown }[];
  /** Verified, and not as wanted: the next plan will say what to do. */
  readonly differs: readonly ResourceId[];
  readonly notStarted: readonly ResourceId[];
};

/** What a run has in hand: grows while it goes on. */
type Walk = {
  readonly resources: Map<ResourceId, Recorded>;
  readonly writer: Writer;
  readonly done: ResourceId[];
  readonly differs: ResourceId[];
  readonly failed: { readonly step: Step; readonly error: unknown }[];
};

type Writer = {
  /** Serial of the first write that will hold all that is recorded by now. */
  readonly nextSerial: () => number;
  readonly write: () => Promise<void>;
  readonly state: () => State;
};

/** State is one file: one write at a time, and those that wait for the next one share it. */
const makeWriter = (store: StateStore, first: State, resources: ReadonlyMap<ResourceId, Recorded>): Writer => {
  let state = first;
  let last: Promise<void> = Promise.resolve();
  let pending: Promise<void> | undefined;
  const writeNow = (): Promise<void> => {
    pending = undefined;
    state = { ...state, serial: state.serial + 1, resources: [...resources.values()] };
    return store.write(state);
  };
  const write = (): Promise<void> => {
    pending ??= last.then(writeNow);
    last = pending.catch(() => {});
    return pending;
  };
  return { nextSerial: () => state.serial + 1, write, state: () => state };
};

/** Records of what is kept follow the configuration in what is not compared. */
const refreshKept = (input: RunInput): Map<ResourceId, Recorded> => {
  const resources = new Map(input.state.resources.map((record) => [record.id, record]));
  for (const { id, action } of input.plan.steps) {
    const resource = action === "keep" ? input.desired.get(id) : undefined;
    const known = resources.get(id);
    if (resource !== undefined && known !== undefined) resources.set(id, toRecord(resource, known.output));
  }
  return resources;
};

const plannedRecord = (input: RunInput, step: Step): { readonly record?: Recorded } => {
  const resource: Resource | undefined = input.desired.get(step.id);
  return resource === undefined ? {} : { record: toRecord(resource, {}) };
};

/** One try: intent, effect, result; each on disk before the next. */
const tryStep = async (input: RunInput, walk: Walk, step: Step, attempt: number): Promise<Outcome> => {
  const started = input.monotonic();
  const entry = () => ({ run: input.run, at: input.now(), step: step.id });
  const durationMs = (): number => Math.round(input.monotonic() - started);
  await faultPoint(step.id, "before-intent");
  await input.journal.append({
    type: "intent",
    ...entry(),
    action: step.action,
    attempt,
    changes: step.changes,
    ...plannedRecord(input, step),
  });
  await faultPoint(step.id, "after-intent");
  let outcome: Outcome;
  try {
    outcome = await insideStep(step.id, () => act(input, step, walk.resources.get(step.id)));
  } catch (error) {
    await input.journal
      .append({ type: "failed", ...entry(), durationMs: durationMs(), error: errorChain(error).join(": ") })
      .catch(() => {});
    throw error;
  }
  await faultPoint(step.id, "after-effect");
  recordResult(walk.resources, input.desired.get(step.id), step, outcome);
  await input.journal.append({
    type: "done",
    ...entry(),
    durationMs: durationMs(),
    serial: walk.writer.nextSerial(),
    output: outcome.output,
  });
  await walk.writer.write();
  await faultPoint(step.id, "after-result");
  return outcome;
};

/** A step with its tries. True where the steps that wait for it may go on; never throws. */
const runStep = async (input: RunInput, walk: Walk, step: Step): Promise<boolean> => {
  const started = input.monotonic();
  const earlier = input.attempts?.get(step.id) ?? 0;
  const ended = () => ({ step, durationMs: Math.round(input.monotonic() - started) });
  const onWait = (error: unknown, wait: number): void =>
    input.emit({ type: "step-progress", step, text: `${errorChain(error)[0]}; again in ${wait / 1000} s` });
  input.emit({ type: "step-started", step });
  try {
    const { differs } = await retryTransient((attempt) => tryStep(input, walk, step, earlier + attempt), {
      ...input.retry,
      signal: input.signal,
      onWait,
    });
    (differs === undefined ? walk.done : walk.differs).push(step.id);
    input.emit(differs === undefined ? { type: "step-done", ...ended() } : { type: "step-differs", ...ended(), reason: differs });
    return differs === undefined;
  } catch (error) {
    walk.failed.push({ step, error });
    input.emit({ type: "step-failed", ...ended(), error });
    return false;
  }
};

/** Steps whose forerunners are all done, in the plan's order, as long as nothing failed and nobody asked to stop. What runs is waited for. */
export const runPlan = async (input: RunInput): Promise<RunResult> => {
  const schedule = makeSchedule(input.plan.steps.filter(isChange), input.perHost);
  const resources = refreshKept(input);
  const writer = makeWriter(input.store, input.state, resources);
  const walk: Walk = { resources, writer, done: [], differs: [], failed: [] };
  const running = new Set<Promise<void>>();
  const start = (step: Step): void => {
    const work: Promise<void> = runStep(input, walk, step).then((released) => {
      schedule.end(step, released);
      running.delete(work);
    });
    running.add(work);
  };
  const takeNext = (): Step | undefined => (walk.failed.length === 0 && !input.signal.aborted ? schedule.take() : undefined);
  for (;;) {
    for (let step = takeNext(); step !== undefined; step = takeNext()) start(step);
    if (running.size === 0) break;
    await Promise.race(running);
  }
  return { state: walk.writer.state(), done: walk.done, failed: walk.failed, differs: walk.differs, notStarted: schedule.notStarted() };
};
