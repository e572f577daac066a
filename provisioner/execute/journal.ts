/** The append-only intent log of a site: who ran what, what each step was about to do, how it ended. Also the audit trail. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import type { Action, Change, JsonObject, Recorded, ResourceId } from "../plan/resource.ts";
import { makeOrderCheck, parseJournal } from "./journal-entry.ts";

export type Who = { readonly user: string; readonly host: string; readonly pid: number; readonly command: string; readonly croft: string };

type Common = { readonly run: string; readonly at: string };

export type RunStarted = Common & { readonly type: "run-started"; readonly site: string; readonly who: Who; readonly plan: string };
/** `record` is what state will hold when the step is done: enough to remove what a killed run began. */
export type Intent = Common & {
  readonly type: "intent";
  readonly step: ResourceId;
  readonly action: Action;
  readonly attempt: number;
  readonly changes: readonly Change[];
  readonly record?: Recorded;
};
/** `serial` is that of the first state which holds the result. */
export type Done = Common & {
  readonly type: "done";
  readonly step: ResourceId;
  readonly durationMs: number;
  readonly serial: number;
  readonly output: JsonObject;
};
export type Failed = Common & { readonly type: "failed"; readonly step: ResourceId; readonly durationMs: number; readonly error: string };
export type RunEnded = Common & { readonly type: "run-ended"; readonly outcome: string };
export type Entry = RunStarted | Intent | Done | Failed | RunEnded;

export type Journal = {
  /** On disk when it returns. @throws CroftError STATE_IO, BUG where the entry may not follow the last one. */
  readonly append: (entry: Entry) => Promise<void>;
  readonly close: () => Promise<void>;
};

const ioError = (doing: string, file: string, cause: unknown): CroftError =>
  new CroftError("STATE_IO", `${doing} the journal ${file} failed: ${(cause as Error).message}`, {
    cause,
    hint: "nothing was begun after the last entry; free some space, then run the same command again",
  });

const readBytes = async (file: string): Promise<Buffer> => {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw ioError("reading", file, error);
  }
};

/** Nothing where there is no journal. @throws CroftError STATE_INVALID, STATE_IO */
export const readJournal = async (file: string): Promise<readonly Entry[]> => parseJournal(file, await readBytes(file)).entries;

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, "r");
  await handle.sync();
};

/** Open for appending, without the torn line of a crash. */
const openFile = async (file: string, wholeBytes: number): Promise<FileHandle> => {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, "a", 0o600);
    await handle.truncate(wholeBytes);
    await syncFolder(dirname(file));
    return handle;
  } catch (cause) {
    throw ioError("opening", file, cause);
  }
};

/** Lines of parallel steps one after another. After a failure nothing more is written: half a line in the middle would spoil the rest. */
const makeWriter = (handle: FileHandle, file: string, wholeBytes: number) => {
  let size = wholeBytes;
  let broken: CroftError | undefined;
  let last: Promise<void> = Promise.resolve();
  const write = async (line: Buffer): Promise<void> => {
    if (broken !== undefined) throw broken;
    try {
      await handle.appendFile(line);
      await handle.datasync();
      size += line.length;
    } catch (cause) {
      broken = ioError("writing", file, cause);
      await handle.truncate(size).catch(() => {});
      throw broken;
    }
  };
  return (line: Buffer): Promise<void> => {
    const next = last.then(() => write(line));
    last = next.catch(() => {});
    return next;
  };
};

/** Repairs a torn last line, then appends. @throws CroftError STATE_INVALID, STATE_IO */
export const openJournal = async (file: string): Promise<Journal> => {
  const { wholeBytes } = parseJournal(file, await readBytes(file));
  const handle = await openFile(file, wholeBytes);
  const write = makeWriter(handle, file, wholeBytes);
  const check = makeOrderCheck();
  return {
    append: async (entry) => {
      const problem = check(entry);
      if (problem !== undefined) throw new CroftError("BUG", `journal: ${problem}`);
      await write(Buffer.from(`${JSON.stringify(entry)}\n`));
    },
    close: () => handle.close(),
  };
};

const OLD_JOURNALS = 9;
export const LARGEST_JOURNAL = 16 * 1024 ** 2;

/** Puts a large journal aside as `FILE.1`, older ones behind it. Only between runs, and only where nothing in it is unfinished. */
export const rotateJournal = async (file: string, largest: number = LARGEST_JOURNAL): Promise<boolean> => {
  if ((await readBytes(file)).length <= largest) return false;
  for (let number = OLD_JOURNALS; number > 0; number -= 1) {
    await rename(number === 1 ? file : `${file}.${number - 1}`, `${file}.${number}`).catch(() => {});
  }
  return true;
};
