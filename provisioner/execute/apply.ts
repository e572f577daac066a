/** Plan, lock, look again, do: the life of one run. */
import { CroftError, EXIT } from "../errors.ts";
import { isEmpty, makePlan } from "../plan/diff.ts";
import type { DiffOptions } from "../plan/diff.ts";
import { lintPlan } from "../plan/lint.ts";
import type { Finding, HostCapacity } from "../plan/lint.ts";
import type { Observation, Plan, Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { State, StateStore } from "../state/store.ts";
import type { Driver } from "./driver.ts";
import type { Emit } from "./events.ts";
import { openJournal, readJournal, unfinishedSteps } from "./journal.ts";
import type { Who } from "./journal.ts";
import { takeLock } from "./lock.ts";
import type { LockTimes } from "./lock.ts";
import { observeAll } from "./observe.ts";
import { runPlan } from "./run.ts";
import type { RunResult } from "./run.ts";

export type PlanInput = {
  readonly site: string;
  readonly environment: string;
  readonly desired: readonly Resource[];
  readonly state: State;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly journalFile: string;
  readonly hosts: Readonly<Record<string, HostCapacity>>;
  readonly options: DiffOptions;
};

export type Planned = {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
};

/** Looks, compares, checks; changes nothing and takes no lock. */
export const planSite = async (input: PlanInput): Promise<Planned> => {
  const observed = await observeAll(input.desired, input.state.resources, input.drivers);
  const recorded = new Map(input.state.resources.map((record) => [record.id, record]));
  const unfinished = unfinishedSteps(await readJournal(input.journalFile));
  const plan = makePlan({ site: input.site, environment: input.environment, desired: input.desired, recorded, observed, unfinished, options: input.options });
  const findings = lintPlan({ plan, desired: input.desired, recorded, hosts: input.hosts, options: input.options });
  return { plan, findings, observed, recorded };
};

export type ApplyInput = {
  readonly first: Planned;
  /** Plans again, from a state read under the lock. */
  readonly again: () => Promise<{ readonly planned: Planned; readonly input: PlanInput }>;
  readonly store: StateStore;
  readonly lock: { readonly file: string; readonly ownerFile: string; readonly waitMs: number; readonly times?: LockTimes; readonly say: (text: string) => void };
  readonly journalFile: string;
  readonly who: Who;
  readonly run: string;
  readonly emit: Emit;
  readonly now: () => string;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
  readonly perHost: number;
};

/** The first complaint of the linter as an error; the rest as its tail. */
export const refuseFindings = (findings: readonly Finding[]): void => {
  const errors = findings.filter((finding) => finding.level === "error");
  const [first, ...rest] = errors;
  if (first === undefined) return;
  throw new CroftError("PLAN_INVALID", first.message, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    ...(rest.length === 0 ? {} : { tail: rest.map((finding) => finding.message).join("\n") }),
  });
};

const outcomeOf = (result: RunResult, signal: AbortSignal): string => {
  if (result.failed.length > 0) return "failed";
  if (signal.aborted) return "interrupted";
  return result.differs.length > 0 ? "partial" : "done";
};

export const exitCodeOf = (result: RunResult, signal: AbortSignal): number => {
  const outcome = outcomeOf(result, signal);
  if (outcome === "failed") return EXIT.failed;
  if (outcome === "interrupted") return signal.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
  return outcome === "partial" ? EXIT.changes : EXIT.ok;
};

const stale = (): CroftError =>
  new CroftError("PLAN_STALE", "the site changed between the plan and the lock; nothing was done", { hint: "look at the new plan: `croft plan`" });

const runLocked = async (input: ApplyInput): Promise<RunResult> => {
  const { planned, input: planInput } = await input.again();
  if (planned.plan.hash !== input.first.plan.hash) throw stale();
  refuseFindings(planned.findings);
  const journal = await openJournal(input.journalFile);
  try {
    await journal.append({ type: "run-started", run: input.run, at: input.now(), who: input.who, plan: planned.plan.hash });
    // The state exists before the first object does: its site id is what marks them.
    await input.store.write({ ...planInput.state, serial: planInput.state.serial + 1 });
    const result = await runPlan({
      run: input.run,
      plan: planned.plan,
      desired: new Map(planInput.desired.map((resource) => [resource.id, resource])),
      observed: planned.observed,
      drivers: planInput.drivers,
      journal,
      store: input.store,
      state: { ...planInput.state, serial: planInput.state.serial + 1 },
      emit: input.emit,
      now: input.now,
      monotonic: input.monotonic,
      signal: input.signal,
      perHost: input.perHost,
    });
    await journal.append({ type: "run-ended", run: input.run, at: input.now(), outcome: outcomeOf(result, input.signal) });
    return result;
  } finally {
    await journal.close();
  }
};

/** @throws CroftError LOCKED, PLAN_STALE, PLAN_INVALID, STATE_IO; what steps throw is in the result. */
export const applyPlan = async (input: ApplyInput): Promise<RunResult> => {
  if (isEmpty(input.first.plan)) throw new CroftError("BUG", "an empty plan needs no run");
  const { host, user, command } = input.who;
  const lock = await takeLock({
    file: input.lock.file,
    ownerFile: input.lock.ownerFile,
    who: { host, user, command, since: input.now() },
    waitMs: input.lock.waitMs,
    say: input.lock.say,
    ...(input.lock.times === undefined ? {} : { times: input.lock.times }),
  });
  try {
    return await runLocked(input);
  } finally {
    await lock.release();
  }
};
