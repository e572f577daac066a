/** The append-only intent log of a site: who ran what, what each step was about to do, how it ended. Also the audit trail. */
import { mkdir, open, readFile, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import type { Action, Change, JsonObject, ResourceId } from "../plan/resource.ts";

export type Who = { readonly user: string; readonly host: string; readonly pid: number; readonly command: string; readonly croft: string };

export type Entry =
  | { readonly type: "run-started"; readonly run: string; readonly at: string; readonly who: Who; readonly plan: string }
  | { readonly type: "intent"; readonly run: string; readonly at: string; readonly step: ResourceId; readonly action: Action; readonly changes: readonly Change[] }
  | { readonly type: "done"; readonly run: string; readonly at: string; readonly step: ResourceId; readonly durationMs: number; readonly output: JsonObject }
  | { readonly type: "failed"; readonly run: string; readonly at: string; readonly step: ResourceId; readonly durationMs: number; readonly error: string }
  | { readonly type: "run-ended"; readonly run: string; readonly at: string; readonly outcome: string };

/** What a step's latest entry may be followed by. */
const NEXT: Readonly<Record<"none" | "intent" | "done" | "failed", readonly Entry["type"][]>> = {
  none: ["intent"],
  intent: ["done", "failed"],
  done: ["intent"],
  failed: ["intent"],
};

export type Journal = {
  /** On disk when it returns. @throws CroftError STATE_IO, BUG where the entry may not follow the last one. */
  readonly append: (entry: Entry) => Promise<void>;
  readonly close: () => Promise<void>;
};

type Read = { readonly entries: readonly Entry[]; readonly wholeBytes: number };

/** Whole entries; a torn last line (a crash while writing) is left out. @throws CroftError STATE_INVALID where the middle is broken. */
const parseJournal = (file: string, text: string): Read => {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").slice(0, -1);
  const entries = lines.map((line, index): Entry => {
    try {
      return JSON.parse(line) as Entry;
    } catch (cause) {
      throw new CroftError("STATE_INVALID", `the journal ${file} is damaged in line ${index + 1}`, {
        cause,
        hint: "move it away; croft then looks at the site instead of its memory",
      });
    }
  });
  return { entries, wholeBytes: Buffer.byteLength(whole) };
};

const readText = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CroftError("STATE_IO", `reading the journal ${file} failed`, { cause: error });
  }
};

export const readJournal = async (file: string): Promise<readonly Entry[]> => {
  const text = await readText(file);
  return text === undefined ? [] : parseJournal(file, text).entries;
};

/** Steps whose last word is an intent: a run was killed inside them. */
export const unfinishedSteps = (entries: readonly Entry[]): ReadonlySet<ResourceId> => {
  const open = new Set<ResourceId>();
  for (const entry of entries) {
    if (entry.type === "intent") open.add(entry.step);
    if (entry.type === "done") open.delete(entry.step);
  }
  return open;
};

const writeLine = async (handle: FileHandle, file: string, entry: Entry): Promise<void> => {
  try {
    await handle.appendFile(`${JSON.stringify(entry)}\n`);
    await handle.datasync();
  } catch (cause) {
    throw new CroftError("STATE_IO", `writing the journal ${file} failed: ${(cause as Error).message}`, {
      cause,
      hint: "nothing was done after the last entry; free some space, then run the same command again",
    });
  }
};

/** Entries of parallel steps are written one after another. */
const makeQueue = () => {
  let last: Promise<void> = Promise.resolve();
  return (work: () => Promise<void>): Promise<void> => {
    last = last.then(work, work);
    return last;
  };
};

const checkTransition = (states: Map<ResourceId, "intent" | "done" | "failed">, entry: Entry): void => {
  if (entry.type === "run-started" || entry.type === "run-ended") return;
  const state = states.get(entry.step) ?? "none";
  if (!NEXT[state].includes(entry.type)) throw new CroftError("BUG", `journal: ${entry.type} of ${entry.step} cannot follow ${state}`);
  states.set(entry.step, entry.type);
};

const openFile = async (file: string): Promise<FileHandle> => {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    return await open(file, "a", 0o600);
  } catch (cause) {
    throw new CroftError("STATE_IO", `opening the journal ${file} failed: ${(cause as Error).message}`, { cause });
  }
};

/** Repairs a torn last line, then appends. */
export const openJournal = async (file: string): Promise<Journal> => {
  const text = await readText(file);
  if (text !== undefined) {
    const { wholeBytes } = parseJournal(file, text);
    if (wholeBytes < Buffer.byteLength(text)) await truncate(file, wholeBytes);
  }
  const handle = await openFile(file);
  const queue = makeQueue();
  const states = new Map<ResourceId, "intent" | "done" | "failed">();
  return {
    append: async (entry) => {
      checkTransition(states, entry);
      await queue(() => writeLine(handle, file, entry));
    },
    close: () => handle.close(),
  };
};
