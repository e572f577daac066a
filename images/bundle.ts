/** An image's files in a bundle, and back into the cache. */
import { lstat, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundleError } from "../provisioner/artifacts/bundle/manifest.ts";
import { expandFile } from "../provisioner/artifacts/bundle/sparse.ts";
import type { Staged } from "../provisioner/artifacts/bundle/read.ts";
import type { Packed } from "../provisioner/artifacts/bundle/write.ts";
import { imageExists, imageFolder } from "./build.ts";
import { recipeId } from "./recipe.ts";
import type { Recipe } from "./recipe.ts";

const ROOT = "root.raw";

export const packImage = async (folder: string, id: string): Promise<readonly Packed[]> => {
  const names = await readdir(imageFolder(folder, id));
  return names
    .toSorted()
    .map((name) => ({ path: `images/${id}/${name === ROOT ? `${ROOT}.zst` : name}`, file: join(imageFolder(folder, id), name) }));
};

/** Ids of the images whose files were staged. */
export const stagedImages = (staged: readonly Staged[]): readonly string[] => [
  ...new Set(staged.flatMap(({ entry }) => /^images\/([0-9a-f]{16})\//.exec(entry.path)?.[1] ?? [])),
];

const readRecipe = async (file: string): Promise<Recipe | undefined> => {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Recipe;
  } catch {
    return undefined;
  }
};

/** Puts an image together beside its place. @throws CroftError ARTIFACT where it is not the image its name says. */
export const prepareImage = async (bundle: string, staged: readonly Staged[], id: string, work: string): Promise<string> => {
  const target = join(work, id);
  await mkdir(target, { mode: 0o755 });
  for (const { entry, file } of staged.filter(({ entry: { path } }) => path.startsWith(`images/${id}/`))) {
    const name = entry.path.split("/")[2] ?? "";
    if (name === `${ROOT}.zst`) await expandFile(file, join(target, ROOT), entry.rawBytes ?? 0);
    else await rename(file, join(target, name));
  }
  const recipe = await readRecipe(join(target, "recipe.json"));
  const whole = await Promise.all(["vmlinuz", "packages.txt", ROOT].map((name) => lstat(join(target, name)).catch(() => undefined)));
  if (recipe === undefined || recipeId(recipe) !== id || whole.includes(undefined))
    throw bundleError(bundle, `image ${id} in it is not whole`);
  return target;
};

/** One that is there already stays. */
export const keepImage = async (folder: string, id: string, prepared: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await imageExists(folder, id))) await rename(prepared, imageFolder(folder, id));
  else await rm(prepared, { recursive: true, force: true });
};
