/** Images out of a bundle: only what its name says gets into the cache. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readBundle } from "../provisioner/artifacts/bundle/read.ts";
import type { Staged } from "../provisioner/artifacts/bundle/read.ts";
import { writeBundle } from "../provisioner/artifacts/bundle/write.ts";
import { keepImage, packImage, prepareImage, stagedImages } from "./bundle.ts";
import { makeRecipe, recipeId } from "./recipe.ts";

const recipe = makeRecipe({ roles: ["gateway"], architecture: "amd64", kernel: false, update: 0, digestOf: () => "" });
const ID = recipeId(recipe);
const OTHER = "0123456789abcdef";

let root: string;
let work: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-images-"));
  work = join(root, "work");
  mkdirSync(work);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const makeImage = (id: string, without?: string): string => {
  const folder = join(root, "images", id);
  mkdirSync(folder, { recursive: true });
  const files = { "recipe.json": JSON.stringify(recipe, null, 2), vmlinuz: "none", "packages.txt": "a 1 amd64\n", "root.raw": "disk" };
  for (const [name, text] of Object.entries(files)) if (name !== without) writeFileSync(join(folder, name), text);
  truncateSync(join(folder, "root.raw"), 1024 ** 2);
  return join(root, "images");
};

const roundTrip = async (images: string, id: string): Promise<readonly Staged[]> => {
  const bundle = join(root, "bundle");
  for (const folder of ["pack", "stage"]) mkdirSync(join(root, folder));
  const head = { site: "shop", environment: "default", architecture: "amd64" } as const;
  await writeBundle(bundle, head, await packImage(images, id), join(root, "pack"));
  return (await readBundle(bundle, join(root, "stage"), "amd64")).staged;
};

test("a whole image gets its place, and one that is there stays", async () => {
  const images = makeImage(ID);
  const staged = await roundTrip(images, ID);
  expect(stagedImages(staged)).toEqual([ID]);
  const cache = join(root, "cache");
  await keepImage(cache, ID, await prepareImage("bundle", staged, ID, work));
  const names = readdirSync(join(images, ID));
  expect(readdirSync(join(cache, ID))).toEqual(names);
  for (const name of names) expect(readFileSync(join(cache, ID, name)).equals(readFileSync(join(images, ID, name)))).toBe(true);
  mkdirSync(join(work, "again"));
  await keepImage(cache, ID, join(work, "again"));
  expect(readdirSync(join(cache, ID))).toEqual(names);
});

test("one whose recipe has another name is refused", async () => {
  const staged = await roundTrip(makeImage(OTHER), OTHER);
  await expect(prepareImage("bundle", staged, OTHER, work)).rejects.toThrow(`image ${OTHER} in it is not whole`);
});

test.each(["recipe.json", "vmlinuz", "packages.txt"])("one without %s is refused", async (name) => {
  const staged = await roundTrip(makeImage(ID, name), ID);
  await expect(prepareImage("bundle", staged, ID, work)).rejects.toThrow(`image ${ID} in it is not whole`);
});
