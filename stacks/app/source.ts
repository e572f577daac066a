/** What a release is made from and of: files of a folder, listed and named by content. */
import { createHash } from "node:crypto";
import { lstat, readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { CroftError } from "../../provisioner/errors.ts";

export type SourceFile = { readonly path: string; readonly mode: number; readonly content: Buffer };

const LARGEST_TREE = 512 * 1024 ** 2;

/** Paths relative to the folder that is read. */
export type Skip = (path: string, isFolder: boolean) => boolean;

const listPaths = async (folder: string, skip: Skip, base = folder): Promise<readonly string[]> => {
  const names = await readdir(folder);
  const found = await Promise.all(
    names.toSorted().map(async (name): Promise<readonly string[]> => {
      const path = join(folder, name);
      const shown = relative(base, path);
      const entry = await lstat(path);
      if (skip(shown, entry.isDirectory())) return [];
      if (entry.isDirectory()) return listPaths(path, skip, base);
      if (entry.isFile()) return [shown];
      throw new CroftError("BUILD_FAILED", `${path} is neither a file nor a folder; a release holds only those`);
    }),
  );
  return found.flat();
};

/** All files below a folder in a fixed order. @throws CroftError BUILD_FAILED for symlinks, devices and trees over 512 MiB. */
export const readTree = async (folder: string, skip: Skip): Promise<readonly SourceFile[]> => {
  const paths = (await listPaths(folder, skip)).toSorted((a, b) => (a < b ? -1 : 1));
  const sizes = await Promise.all(paths.map(async (path) => (await lstat(join(folder, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > LARGEST_TREE)
    throw new CroftError("BUILD_FAILED", `${folder} holds ${Math.round(total / 1024 ** 2)} MiB; a release may hold 512`);
  return Promise.all(
    paths.map(async (path) => {
      const { mode } = await lstat(join(folder, path));
      return { path, mode: (mode & 0o100) === 0 ? 0o644 : 0o755, content: await readFile(join(folder, path)) };
    }),
  );
};

/** Hex SHA-256 of paths, modes and contents. */
export const hashTree = (files: readonly SourceFile[]): string => {
  const hash = createHash("sha256");
  for (const { path, mode, content } of files) hash.update(`${path}\0${mode}\0${content.length}\0`).update(content);
  return hash.digest("hex");
};
