/** State in one file of the home host, older generations beside it. */
import { constants } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import { decodeState, encodeState } from "./encoding.ts";
import type { State, StateStore } from "./store.ts";

const GENERATIONS = 5;

const generation = (file: string, number: number): string => `${file}.${number}`;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

const ioError = (doing: string, file: string, cause: unknown): CroftError =>
  new CroftError("STATE_IO", `${doing} ${file} failed: ${(cause as Error).message}`, {
    cause,
    hint: "the state on disk is as it was; free some space or mount the file system writable, then run the same command again",
  });

const readBytes = async (file: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw ioError("reading", file, error);
  }
};

/** Number and state of the newest older generation that can be read. */
const newestGood = async (file: string): Promise<{ readonly number: number; readonly state: State } | undefined> => {
  for (let number = 1; number <= GENERATIONS; number += 1) {
    const bytes = await readBytes(generation(file, number));
    const decoded = bytes === undefined ? undefined : decodeState(bytes);
    if (decoded?.ok === true) return { number, state: decoded.state };
  }
  return undefined;
};

const damaged = async (file: string, problem: string): Promise<CroftError> => {
  const good = await newestGood(file);
  const hint =
    good === undefined
      ? "no older generation can be read; bring the file back from a backup"
      : `the newest good generation is ${generation(file, good.number)} (serial ${good.state.serial}): \`croft state restore\``;
  return new CroftError("STATE_INVALID", `the state file ${file} is damaged: ${problem}`, { hint });
};

const read = async (file: string): Promise<State | undefined> => {
  const bytes = await readBytes(file);
  if (bytes === undefined) return undefined;
  const decoded = decodeState(bytes);
  if (decoded.ok) return decoded.state;
  if (decoded.newer === true) {
    throw new CroftError("STATE_INVALID", `the state file ${file} cannot be read: ${decoded.problem}`, { hint: "upgrade croft" });
  }
  throw await damaged(file, decoded.problem);
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY);
  await handle.sync().finally(() => handle.close());
};

const writeNew = async (file: string, text: string): Promise<void> => {
  const handle = await open(`${file}.new`, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The current file becomes generation 1, by copy: there is never a moment without a current file. */
const keepOld = async (file: string): Promise<void> => {
  for (let number = GENERATIONS; number > 1; number -= 1) {
    await rename(generation(file, number - 1), generation(file, number)).catch(() => {});
  }
  await copyFile(file, generation(file, 1)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
};

const write = async (file: string, state: State): Promise<void> => {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeNew(file, encodeState(state));
    await keepOld(file);
    await rename(`${file}.new`, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(`${file}.new`, { force: true }).catch(() => {});
    throw ioError("writing", file, error);
  }
};

const restore = async (file: string): Promise<number> => {
  const good = await newestGood(file);
  if (good === undefined) throw new CroftError("STATE_INVALID", `no older generation of ${file} can be read`);
  await rename(file, `${file}.damaged`).catch(() => {});
  await writeNew(file, encodeState(good.state));
  await rename(`${file}.new`, file);
  await syncFolder(dirname(file));
  return good.state.serial;
};

export const makeFileStore = (file: string): StateStore => ({
  read: () => read(file),
  write: (state) => write(file, state),
  restore: () => restore(file),
  remove: async () => {
    const all = [file, `${file}.new`, `${file}.damaged`, ...Array.from({ length: GENERATIONS }, (_, index) => generation(file, index + 1))];
    for (const path of all) await rm(path, { force: true });
  },
});
