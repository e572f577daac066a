/** The verified files croft keeps. A file has its name only once it is whole and has its digest. */
import { chmod, mkdir, open, readFile, readdir, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifactPath } from "../../model/names.ts";
import { sha256Of } from "../digest.ts";
import { digestError } from "../failures.ts";
import type { Architecture, Source } from "../catalogue.ts";

export type SourceType = Source["type"] | "mirror" | "import" | "bundle";

/** What lies beside a file of the cache. */
export type Note = {
  readonly name: string;
  readonly version: string;
  readonly architecture: Architecture;
  readonly sha256: string;
  readonly source: SourceType;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const notePath = (file: string): string => `${file}.json`;

const sync = async (path: string): Promise<void> => {
  await using handle = await open(path);
  await handle.sync();
};

/** Gives a verified file its name; `file` is used up. @throws CroftError ARTIFACT where it is not the pinned one. */
export const keepFile = async (folder: string, file: string, note: Note): Promise<string> => {
  const got = await sha256Of(file);
  if (got !== note.sha256) throw digestError(`what ${note.source} gave for ${note.name}`, `sha256 ${note.sha256}`, `sha256 ${got}`);
  await chmod(file, 0o755);
  await sync(file);
  const target = artifactPath(folder, note.name, note.sha256);
  await writeFile(`${notePath(target)}.${process.pid}`, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${notePath(target)}.${process.pid}`, notePath(target));
  await rename(file, target);
  await sync(folder);
  return target;
};

/** The cached file, whole; one that has decayed is removed. */
export const findCached = async (folder: string, name: string, sha256: string): Promise<string | undefined> => {
  const file = artifactPath(folder, name, sha256);
  if (!(await exists(file))) return undefined;
  if ((await sha256Of(file)) === sha256) return file;
  await unlink(file);
  return undefined;
};

export const isCached = (folder: string, name: string, sha256: string): Promise<boolean> => exists(artifactPath(folder, name, sha256));

const parseNote = (text: string): Note | undefined => {
  try {
    return JSON.parse(text) as Note;
  } catch {
    return undefined;
  }
};

/** Notes of the files that are there, the newest first. */
export const readNotes = async (folder: string): Promise<readonly Note[]> => {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith(".") && name.endsWith(".json"));
  const read = names.map(async (name) => {
    const file = join(folder, name.slice(0, -".json".length));
    const note = parseNote(await readFile(join(folder, name), "utf8"));
    return note === undefined || !(await exists(file)) ? [] : [{ note, time: (await stat(join(folder, name))).mtimeMs }];
  });
  const found = (await Promise.all(read)).flat();
  return found.toSorted((a, b) => b.time - a.time).map(({ note }) => note);
};

/** The process in the name of something unfinished. */
const ownerOf = (name: string): string | undefined => /^\.(?:work|bundle|part-[0-9a-f]{16})-(\d+)(?:-|$)/.exec(name)?.[1];

const WEEK_MS = 7 * 24 * 3600 * 1000;

/** What killed runs left: work folders at once, downloads in part after a week, since the next run may go on with them. */
export const removeStale = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const pid = ownerOf(name);
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (!name.startsWith(".part-") || Date.now() - mtimeMs > WEEK_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
};

/** A file of this process for a download, taken over from a run that is gone where there is one. */
export const takePartial = async (folder: string, sha256: string): Promise<string> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mine = join(folder, `.part-${sha256.slice(0, 16)}-${process.pid}`);
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(`.part-${sha256.slice(0, 16)}-`) ? ownerOf(name) : undefined;
    if (pid !== undefined && !(await exists(`/proc/${pid}`)) && !(await exists(mine)))
      await rename(join(folder, name), mine).catch(() => {});
  }
  return mine;
};
