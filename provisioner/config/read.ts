/** The one effect of this folder: the bytes of the configuration. */
import { open, readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { CroftError } from "../errors.ts";
import { LARGEST_FILE } from "./bytes.ts";

export type ConfigFile = {
  /** As shown to people. */
  readonly file: string;
  /** Absolute. */
  readonly folder: string;
  readonly bytes: Uint8Array;
};

const REASONS: Readonly<Record<string, readonly [string, string | undefined]>> = {
  ENOENT: ["it does not exist", "`croft init` writes an example; `--config FILE` names another file"],
  EACCES: ["this user may not read it", undefined],
  EISDIR: ["it is a folder", undefined],
};

const unreadable = (file: string, error: unknown): CroftError => {
  const code = String((error as { code?: unknown } | null)?.code);
  const [reason, hint] = REASONS[code] ?? ["the system refused", undefined];
  const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
  return new CroftError("CONFIG_INVALID", `reading ${file}: ${reason}`, details);
};

const HEAD = 4096;
const LARGEST_BUFFER = 2 ** 28;

/** A file over the limit keeps its length (the parser refuses it by that) and only its first bytes. */
const readHead = async (path: string, size: number): Promise<Uint8Array> => {
  const bytes = new Uint8Array(Math.min(size, LARGEST_BUFFER));
  await using handle = await open(path);
  await handle.read(bytes, 0, HEAD, 0);
  return bytes;
};

const readBytes = async (path: string): Promise<Uint8Array> => {
  const { size } = await stat(path);
  return size > LARGEST_FILE ? await readHead(path, size) : await readFile(path);
};

/** @throws CroftError CONFIG_INVALID where the file cannot be read. */
export const readConfig = async (path: string): Promise<ConfigFile> => {
  try {
    return { file: path.startsWith("/") ? basename(path) : path, folder: dirname(resolve(path)), bytes: await readBytes(path) };
  } catch (error) {
    throw unreadable(path, error);
  }
};
