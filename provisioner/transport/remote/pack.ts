/** Files named by their content, as one thing that is sent once. */
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { packTar } from "../tar.ts";

export type PackedFile = { readonly name: string; readonly mode: number; readonly content: Uint8Array };
export type Pack = {
  /** `KIND-HASH`: its folder on the other host. */
  readonly name: string;
  readonly title: string;
  readonly files: readonly PackedFile[];
};

/** Says which paths below a folder are wanted, relative to it. */
export type Wanted = (path: string, isFolder: boolean) => boolean;

const HASH_LENGTH = 20;

const listFiles = async (folder: string, wanted: Wanted, below = ""): Promise<readonly string[]> => {
  const names = (await readdir(join(folder, below))).toSorted();
  const lists = await Promise.all(
    names.map(async (name): Promise<readonly string[]> => {
      const path = below === "" ? name : `${below}/${name}`;
      const entry = await stat(join(folder, path)).catch(() => undefined);
      if (entry === undefined || !wanted(path, entry.isDirectory())) return [];
      if (entry.isDirectory()) return listFiles(folder, wanted, path);
      if (entry.isFile()) return [path];
      throw new CroftError("CONFIG_INVALID", `${join(folder, path)} is neither a file nor a folder; only those are sent to another host`);
    }),
  );
  return lists.flat();
};

export const readPackedFile = async (file: string, name: string): Promise<PackedFile> => {
  const { mode } = await stat(file);
  return { name, mode: (mode & 0o100) === 0 ? 0o644 : 0o755, content: await readFile(file) };
};

/** The wanted files of a folder, under `target`. Links are followed. */
export const readFolder = async (folder: string, target: string, wanted: Wanted): Promise<readonly PackedFile[]> => {
  const paths = await listFiles(folder, wanted);
  return Promise.all(paths.map((path) => readPackedFile(join(folder, path), target === "" ? path : `${target}/${path}`)));
};

const hashFiles = (files: readonly PackedFile[]): string => {
  const hash = createHash("sha256");
  for (const { name, mode, content } of files) hash.update(`${name}\0${mode}\0${content.length}\0`).update(content);
  return hash.digest("hex").slice(0, HASH_LENGTH);
};

/** @param kind lower-case letters, the first half of the name */
export const makePack = (kind: string, title: string, files: readonly PackedFile[]): Pack => {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { name: `${kind}-${hashFiles(sorted)}`, title, files: sorted };
};

export const packSize = (pack: Pack): number => pack.files.reduce((sum, { content }) => sum + content.length, 0);

export const tarPack = (pack: Pack): Promise<Buffer> => packTar(pack.files);
