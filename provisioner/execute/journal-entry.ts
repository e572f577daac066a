/** What a journal's lines say and in which order they may come. Pure. */
import { CroftError } from "../errors.ts";
import type { Action, Recorded, ResourceId } from "../plan/resource.ts";
import type { Done, Entry, Intent } from "./journal.ts";

type StepState = "none" | "intent" | "done" | "failed";

/** What a step's latest entry of one run may be followed by. */
const NEXT: Readonly<Record<StepState, readonly string[]>> = { none: ["intent"], intent: ["done", "failed"], done: [], failed: ["intent"] };

/** Takes entries one by one; says what is wrong with one, or nothing. */
export const makeOrderCheck = (): ((entry: Entry) => string | undefined) => {
  let run: string | undefined;
  const steps = new Map<ResourceId, StepState>();
  return (entry) => {
    if (entry.type === "run-started") {
      run = entry.run;
      steps.clear();
      return undefined;
    }
    if (entry.run !== run) return `${entry.type} of run ${entry.run} outside of that run`;
    if (entry.type === "run-ended") {
      run = undefined;
      return undefined;
    }
    const state = steps.get(entry.step) ?? "none";
    if (!NEXT[state].includes(entry.type)) return `${entry.type} of ${entry.step} cannot follow ${state}`;
    steps.set(entry.step, entry.type);
    return undefined;
  };
};

const TYPES: ReadonlySet<unknown> = new Set(["run-started", "intent", "done", "failed", "run-ended"]);
const OF_RUN: ReadonlySet<unknown> = new Set(["run-started", "run-ended"]);

const parseEntry = (line: string): Entry => {
  const found = JSON.parse(line) as { readonly type?: unknown; readonly run?: unknown; readonly step?: unknown } | null;
  if (found === null || !TYPES.has(found.type) || typeof found.run !== "string") throw new Error("this is no entry of a journal");
  if (!OF_RUN.has(found.type) && typeof found.step !== "string") throw new Error("an entry of a step names no step");
  return found as Entry;
};

export type Parsed = { readonly entries: readonly Entry[]; readonly wholeBytes: number };

/** Whole entries; a torn last line (a crash while writing) is left out. @throws CroftError STATE_INVALID where the middle is broken. */
export const parseJournal = (file: string, bytes: Buffer): Parsed => {
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const check = makeOrderCheck();
  const lines = bytes.subarray(0, wholeBytes).toString("utf8").split("\n").slice(0, -1);
  const entries = lines.map((line, index) => {
    try {
      const entry = parseEntry(line);
      const problem = check(entry);
      if (problem !== undefined) throw new Error(problem);
      return entry;
    } catch (cause) {
      throw new CroftError("STATE_INVALID", `the journal ${file} is damaged in line ${index + 1}`, {
        cause,
        hint: "move it away; croft then looks at the site instead of its memory",
      });
    }
  });
  return { entries, wholeBytes };
};

/** A step of an earlier run whose result no state holds; `ended` where the step itself was done and only the state was not written. */
export type Unfinished = { readonly attempts: number; readonly record: Recorded | undefined; readonly ended: boolean };

const EFFECTIVE: ReadonlySet<Action> = new Set(["create", "update", "replace", "remove"]);

const beginStep = (entry: Intent, known: Unfinished | undefined): Unfinished => {
  const output = known?.record?.output ?? {};
  return { attempts: entry.attempt, record: entry.record === undefined ? known?.record : { ...entry.record, output }, ended: false };
};

const endStep = (entry: Done, known: Unfinished, action: Action | undefined): Unfinished =>
  known.record === undefined ? known : { ...known, record: { ...known.record, output: entry.output }, ended: action !== "remove" };

/** Steps that were begun and never ended, or ended and never reached the state: a run was killed, or failed, inside them. */
export const findUnfinished = (
  entries: readonly Entry[],
  state: { readonly siteId: string; readonly serial: number },
): ReadonlyMap<ResourceId, Unfinished> => {
  const open = new Map<ResourceId, Unfinished>();
  const actions = new Map<ResourceId, Action>();
  let ours = false;
  for (const entry of entries) {
    if (entry.type === "run-started") ours = entry.site === state.siteId;
    if (!ours || (entry.type !== "intent" && entry.type !== "done")) continue;
    const known = open.get(entry.step);
    if (entry.type === "intent") {
      actions.set(entry.step, entry.action);
      if (EFFECTIVE.has(entry.action)) open.set(entry.step, beginStep(entry, known));
    } else if (entry.serial <= state.serial) open.delete(entry.step);
    else if (known !== undefined) open.set(entry.step, endStep(entry, known, actions.get(entry.step)));
  }
  return open;
};

/**
 * What state holds, with what the journal knows beyond it: results that were never written down, and beginnings
 * that nobody desires any more. A journalled intent counts as the mark on what it began; without it, what a killed
 * run made and nobody desires now would stay for ever.
 */
export const recallRecords = (
  recorded: readonly Recorded[],
  unfinished: ReadonlyMap<ResourceId, Unfinished>,
  desired: ReadonlySet<ResourceId>,
): ReadonlyMap<ResourceId, Recorded> => {
  const records = new Map(recorded.map((record) => [record.id, record]));
  for (const [id, { record, ended }] of unfinished) {
    if (record !== undefined && (ended || (!records.has(id) && !desired.has(id)))) records.set(id, record);
  }
  return records;
};

/** Steps to be done again, whatever is observed. */
export const unendedSteps = (unfinished: ReadonlyMap<ResourceId, Unfinished>): ReadonlySet<ResourceId> =>
  new Set([...unfinished].filter(([, { ended }]) => !ended).map(([id]) => id));
