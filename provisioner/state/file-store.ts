/** State in one file of the home host, older generations beside it. */
import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import { MIGRATIONS, decodeState, encodeState } from "./encoding.ts";
import type { Migrations } from "./encoding.ts";
import type { State, StateStore } from "./store.ts";

/** Older generations kept beside the current one: `state.json.1` is the newest. */
export const GENERATIONS = 5;

const generation = (file: string, number: number): string => `${file}.${number}`;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** For what may not be there, or may be there already. */
const unless =
  (...codes: readonly (string | undefined)[]) =>
  (error: unknown): undefined => {
    if (!codes.includes(codeOf(error))) throw error;
  };

const ioError = (doing: string, file: string, cause: unknown): CroftError =>
  new CroftError("STATE_IO", `${doing} ${file} failed: ${(cause as Error).message}`, {
    cause,
    hint: "the state on disk is as it was; free some space or mount the file system writable, then run the same command again",
  });

const wrap = async <T>(doing: string, file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw ioError(doing, file, error);
  }
};

const readBytes = (file: string): Promise<Buffer | undefined> => wrap("reading", file, () => readFile(file).catch(unless("ENOENT")));

/** Number and state of the newest older generation that can be read. */
const newestGood = async (
  file: string,
  migrations: Migrations,
): Promise<{ readonly number: number; readonly state: State } | undefined> => {
  for (let number = 1; number <= GENERATIONS; number += 1) {
    const bytes = await readBytes(generation(file, number));
    const decoded = bytes === undefined ? undefined : decodeState(bytes, migrations);
    if (decoded?.ok === true) return { number, state: decoded.state };
  }
  return undefined;
};

const damaged = async (file: string, problem: string, migrations: Migrations): Promise<CroftError> => {
  const good = await newestGood(file, migrations);
  const hint =
    good === undefined
      ? "no older generation can be read; bring the file back from a backup"
      : `the newest good generation is ${generation(file, good.number)} (serial ${good.state.serial}): \`croft state restore\``;
  return new CroftError("STATE_INVALID", `the state file ${file} is damaged: ${problem}`, { hint });
};

const read = async (file: string, migrations: Migrations): Promise<State | undefined> => {
  const bytes = await readBytes(file);
  if (bytes === undefined) return undefined;
  const decoded = decodeState(bytes, migrations);
  if (!decoded.ok && decoded.newer === true)
    throw new CroftError("STATE_INVALID", `the state file ${file} cannot be read: ${decoded.problem}`, { hint: "upgrade croft" });
  if (!decoded.ok) throw await damaged(file, decoded.problem, migrations);
  const { state, migratedFrom } = decoded;
  if (migratedFrom !== undefined)
    await wrap("keeping", file, () => copyFile(file, `${file}.v${migratedFrom}.bak`, constants.COPYFILE_EXCL).catch(unless("EEXIST")));
  return state;
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, constants.O_RDONLY);
  await handle.sync();
};

const writeNew = async (file: string, text: string): Promise<void> => {
  await using handle = await open(`${file}.new`, "w", 0o600);
  await handle.writeFile(text);
  await handle.sync();
};

/** The current file also becomes generation 1: there is never a moment without a current file. */
const keepOld = async (file: string): Promise<void> => {
  for (let number = GENERATIONS; number > 1; number -= 1) {
    await rename(generation(file, number - 1), generation(file, number)).catch(unless("ENOENT"));
  }
  await link(file, generation(file, 1)).catch(unless("ENOENT"));
};

const replace = async (file: string, text: string, aside: () => Promise<void>): Promise<void> => {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeNew(file, text);
    await aside();
    await rename(`${file}.new`, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(`${file}.new`, { force: true }).catch(() => {});
    throw ioError("writing", file, error);
  }
};

const restore = async (file: string, migrations: Migrations): Promise<number> => {
  const good = await newestGood(file, migrations);
  if (good === undefined)
    throw new CroftError("STATE_INVALID", `no older generation of ${file} can be read`, { hint: "bring the file back from a backup" });
  await replace(file, encodeState(good.state), () => rename(file, `${file}.damaged`).catch(unless("ENOENT")));
  return good.state.serial;
};

const remove = async (file: string): Promise<void> => {
  const older = Array.from({ length: GENERATIONS }, (_, index) => generation(file, index + 1));
  for (const path of [...older, `${file}.new`, `${file}.damaged`, file]) await rm(path, { force: true });
};

export const makeFileStore = (file: string, migrations: Migrations = MIGRATIONS): StateStore => ({
  read: () => read(file, migrations),
  write: (state) => replace(file, encodeState(state), () => keepOld(file)),
  restore: () => restore(file, migrations),
  remove: () => remove(file),
});
