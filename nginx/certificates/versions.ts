/** Folders of versions: `FOLDER/VERSION/FILE`, `FOLDER/current` linking to the one in use, two kept. */
import { chmod, lstat, mkdir, open, readFile, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CroftError } from "../../provisioner/errors.ts";
import { replaceFile } from "../../provisioner/host/files.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

const KEPT = 2;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
};

const linkTo = async (folder: string, version: string): Promise<void> => {
  const next = join(folder, ".current.new");
  await rm(next, { force: true });
  await symlink(version, next);
  await rename(next, join(folder, "current"));
  await syncFolder(folder);
};

const forgetOld = async (folder: string, keep: string): Promise<void> => {
  const others = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name !== keep);
  const aged = await Promise.all(others.map(async ({ name }) => ({ name, time: (await stat(join(folder, name))).mtimeMs })));
  const gone = aged.toSorted((a, b) => b.time - a.time).slice(KEPT - 1);
  await Promise.all(gone.map(({ name }) => rm(join(folder, name), { recursive: true, force: true })));
};

/** All files of a version appear at once, 0600 in folders of 0700, and then the link moves. */
export const installVersion = async (folder: string, version: string, files: Files): Promise<void> => {
  const next = join(folder, `.${version}.new`);
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await rm(next, { recursive: true, force: true });
  await mkdir(next, { mode: PRIVATE_FOLDER });
  for (const [name, content] of Object.entries(files)) await replaceFile(join(next, name), content, PRIVATE_FILE);
  await rm(join(folder, version), { recursive: true, force: true });
  await rename(next, join(folder, version));
  await linkTo(folder, version);
  await forgetOld(folder, version);
};

/** Undefined where nothing was ever installed. */
export const currentVersion = (folder: string): Promise<string | undefined> => readlink(join(folder, "current")).catch(() => undefined);

/** @throws CroftError SECRET where the file is not there. */
export const readVersion = (folder: string, version: string, file: string): Promise<Buffer> =>
  readFile(join(folder, version, file)).catch((cause: unknown) => {
    throw new CroftError("SECRET", `${join(folder, version, file)} cannot be read`, { cause });
  });

const openToOthers = async (path: string): Promise<boolean> => ((await stat(path)).mode & 0o077) !== 0;

/** True where nobody but the owner can read any file of the version. */
export const isPrivate = async (folder: string, version: string): Promise<boolean> => {
  const names = await readdir(join(folder, version));
  const paths = [dirname(folder), folder, join(folder, version), ...names.map((name) => join(folder, version, name))];
  return !(await Promise.all(paths.map(openToOthers))).some(Boolean);
};

export const makePrivate = async (folder: string, version: string): Promise<void> => {
  if (!(await isThere(join(folder, version)))) return;
  const names = await readdir(join(folder, version));
  for (const path of [dirname(folder), folder, join(folder, version)]) await chmod(path, PRIVATE_FOLDER);
  for (const name of names) await chmod(join(folder, version, name), PRIVATE_FILE);
};
