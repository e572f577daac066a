/** Plan, lock, look again, do: the life of one run. */
import { CroftError, EXIT } from "../errors.ts";
import { isEmpty, makePlan, planDifferences } from "../plan/diff.ts";
import type { DiffOptions } from "../plan/diff.ts";
import { lintPlan } from "../plan/lint.ts";
import type { Finding, HostCapacity } from "../plan/lint.ts";
import type { Observation, Plan, Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { State, StateStore } from "../state/store.ts";
import type { Emit } from "./events.ts";
import { findUnfinished, recallRecords, unendedSteps } from "./journal-entry.ts";
import type { Unfinished } from "./journal-entry.ts";
import { openJournal, readJournal, rotateJournal } from "./journal.ts";
import type { Journal, Who } from "./journal.ts";
import { takeLock } from "./lock.ts";
import type { LockTimes } from "./lock.ts";
import { observeAll } from "./observe.ts";
import type { Drivers } from "./observe.ts";
import { runPlan } from "./run.ts";
import type { RunInput, RunResult } from "./run.ts";

export type PlanInput = {
  readonly site: string;
  readonly environment: string;
  readonly desired: readonly Resource[];
  readonly state: State;
  readonly drivers: Drivers;
  readonly journalFile: string;
  readonly hosts: Readonly<Record<string, HostCapacity>>;
  readonly options: DiffOptions;
  /** What whoever desires found out about the host. */
  readonly findings?: readonly Finding[];
};

export type Planned = {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  /** What state holds, and what killed runs began and nobody desires any more. */
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
  readonly unfinished: ReadonlyMap<ResourceId, Unfinished>;
};

/** Looks, compares, checks; changes nothing and takes no lock. */
export const planSite = async (input: PlanInput): Promise<Planned> => {
  const { site, environment, desired, options, hosts } = input;
  const unfinished = findUnfinished(await readJournal(input.journalFile), input.state);
  const recorded = recallRecords(input.state.resources, unfinished, new Set(desired.map(({ id }) => id)));
  const observed = await observeAll(desired, [...recorded.values()], input.drivers);
  const plan = makePlan({ site, environment, desired, recorded, observed, unfinished: unendedSteps(unfinished), options });
  return {
    plan,
    findings: [...(input.findings ?? []), ...lintPlan({ plan, desired, recorded, hosts, options })],
    observed,
    recorded,
    unfinished,
  };
};

export type ApplyInput = {
  readonly first: Planned;
  /** Plans again, from a state read under the lock. */
  readonly again: () => Promise<{ readonly planned: Planned; readonly input: PlanInput }>;
  readonly store: StateStore;
  readonly lock: {
    readonly file: string;
    readonly ownerFile: string;
    readonly waitMs: number;
    readonly times?: LockTimes;
    readonly say: (text: string) => void;
  };
  readonly journalFile: string;
  readonly who: Who;
  readonly run: string;
  readonly emit: Emit;
  readonly now: () => string;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
  readonly perHost: number;
  readonly retry?: RunInput["retry"];
};

/** The first complaint of the linter as an error; the rest as its tail. */
export const refuseFindings = (findings: readonly Finding[]): void => {
  const [first, ...rest] = findings.filter((finding) => finding.level === "error");
  if (first === undefined) return;
  throw new CroftError("PLAN_INVALID", first.message, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    ...(rest.length === 0 ? {} : { tail: rest.map((finding) => finding.message).join("\n") }),
  });
};

export type RunOutcome = "done" | "failed" | "interrupted" | "partial";

export const outcomeOf = (result: RunResult, signal: AbortSignal): RunOutcome => {
  if (result.failed.length > 0) return "failed";
  if (signal.aborted && result.notStarted.length > 0) return "interrupted";
  return result.differs.length > 0 ? "partial" : "done";
};

const isDiskError = ({ error }: { readonly error: unknown }): boolean => error instanceof CroftError && error.code === "STATE_IO";

export const exitCodeOf = (result: RunResult, signal: AbortSignal): number => {
  switch (outcomeOf(result, signal)) {
    case "done":
      return EXIT.ok;
    case "partial":
      return EXIT.changes;
    case "interrupted":
      return signal.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
    case "failed":
      return result.failed.some(isDiskError) ? EXIT.io : EXIT.failed;
  }
};

/** Names the steps that differ, so that nobody has to guess what happened meanwhile. */
const stale = (before: Plan, after: Plan): CroftError =>
  new CroftError("PLAN_STALE", "the site changed between the plan and the lock; nothing was done", {
    tail: planDifferences(before, after).join("\n"),
    hint: "look at the new plan: `croft plan`",
  });

/** One run's entries, from who began it to how it ended. The state exists before the first object does: its site id is what marks them. */
const runJournalled = async (
  input: ApplyInput,
  planned: Planned,
  planInput: PlanInput,
  journal: Journal,
  signal: AbortSignal,
): Promise<RunResult> => {
  const { run, who, store, emit, now, monotonic, perHost } = input;
  const state: State = { ...planInput.state, serial: planInput.state.serial + 1, resources: [...planned.recorded.values()] };
  await journal.append({ type: "run-started", run, at: now(), site: state.siteId, who, plan: planned.plan.hash });
  await store.write(state);
  const desired = new Map(planInput.desired.map((resource) => [resource.id, resource]));
  const attempts = new Map([...planned.unfinished].map(([id, { attempts: tries }]) => [id, tries]));
  const { plan, observed } = planned;
  const result = await runPlan({
    run,
    plan,
    desired,
    observed,
    drivers: planInput.drivers,
    journal,
    store,
    state,
    emit,
    now,
    monotonic,
    signal,
    perHost,
    attempts,
    ...(input.retry === undefined ? {} : { retry: input.retry }),
  });
  // Where the disk is full this fails too; the next run finds no end, and that is the truth.
  await journal.append({ type: "run-ended", run, at: now(), outcome: outcomeOf(result, signal) }).catch(() => {});
  return result;
};

const runLocked = async (input: ApplyInput, lost: AbortSignal): Promise<RunResult> => {
  const { planned, input: planInput } = await input.again();
  if (planned.plan.hash !== input.first.plan.hash) throw stale(input.first.plan, planned.plan);
  refuseFindings(planned.findings);
  if (planned.unfinished.size === 0) await rotateJournal(input.journalFile);
  const journal = await openJournal(input.journalFile);
  try {
    const result = await runJournalled(input, planned, planInput, journal, AbortSignal.any([input.signal, lost]));
    if (lost.aborted)
      throw new CroftError("LOCKED", "the lock was taken away while the run went on; it stopped at a step border", {
        hint: "who ended the program flock? Then run the same command again",
      });
    return result;
  } finally {
    await journal.close();
  }
};

/** @throws CroftError LOCKED, PLAN_STALE, PLAN_INVALID, STATE_IO; what steps throw is in the result. */
export const applyPlan = async (input: ApplyInput): Promise<RunResult> => {
  if (isEmpty(input.first.plan)) throw new CroftError("BUG", "an empty plan needs no run");
  const { host, user, command } = input.who;
  const { file, ownerFile, waitMs, say, times } = input.lock;
  const lock = await takeLock({
    file,
    ownerFile,
    who: { host, user, command, since: input.now() },
    waitMs,
    say,
    ...(times === undefined ? {} : { times }),
  });
  try {
    return await runLocked(input, lock.lost);
  } finally {
    await lock.release();
  }
};
