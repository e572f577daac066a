/** What a site needs beside its own folder, in one file, and back into the cache of a host without internet. */
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildImage, imageExists } from "../images/build.ts";
import type { ImageTools } from "../images/build.ts";
import { keepImage, packImage, prepareImage, stagedImages } from "../images/bundle.ts";
import { shownLine } from "../images/driver.ts";
import type { ImagePayload } from "../images/resource.ts";
import { readBundle } from "../provisioner/artifacts/bundle/read.ts";
import type { Staged } from "../provisioner/artifacts/bundle/read.ts";
import type { Manifest } from "../provisioner/artifacts/bundle/manifest.ts";
import { writeBundle } from "../provisioner/artifacts/bundle/write.ts";
import type { Packed } from "../provisioner/artifacts/bundle/write.ts";
import { artifactOf } from "../provisioner/artifacts/catalogue.ts";
import type { Architecture } from "../provisioner/artifacts/catalogue.ts";
import { ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import { pinOf } from "../provisioner/artifacts/pins.ts";
import { keepFile, removeStale } from "../provisioner/artifacts/sources/cache.ts";
import { CroftError } from "../provisioner/errors.ts";
import { cachePaths, digestPath } from "../provisioner/model/names.ts";
import type { Roots } from "../provisioner/model/names.ts";
import type { BuiltRelease } from "../provisioner/model/contribution.ts";
import type { Loaded } from "./load.ts";
import { usedArtifacts } from "./lock.ts";

type Say = (text: string) => void;
type Cache = ReturnType<typeof cachePaths>;

/** Images the site's machines start from. */
export const imagesOf = (loaded: Loaded): readonly string[] =>
  loaded.desired.resources.filter(({ kind }) => kind === "image").map(({ payload }) => (payload as ImagePayload).imageId);

const ensureImages = async (loaded: Loaded, folder: string, say: Say): Promise<void> => {
  const artifactFile: ImageTools["artifactFile"] = (name, report) => ensureArtifact(loaded.artifacts, name, report);
  const tell = (line: string): void => {
    const shown = shownLine(line);
    if (shown !== undefined) say(`  ${shown}`);
  };
  for (const { payload } of loaded.desired.resources.filter(({ kind }) => kind === "image")) {
    const { imageId, recipe } = payload as ImagePayload;
    if (await imageExists(folder, imageId)) continue;
    say(`building image ${imageId}`);
    await buildImage({ shell: loaded.artifacts.shell, folder, artifactFile }, recipe, imageId, tell);
  }
};

const packArtifacts = async (loaded: Loaded, say: Say): Promise<readonly Packed[]> => {
  const { pins } = loaded.artifacts;
  const packed: Packed[] = [];
  for (const name of usedArtifacts(loaded.desired.resources, loaded.platform.standIn)) {
    const sha256 = pinOf(pins, name);
    const file = await ensureArtifact(loaded.artifacts, name, say);
    const note = { name, version: artifactOf(name).version, architecture: pins.architecture, sha256, source: "bundle" } as const;
    packed.push({ path: digestPath(sha256), file, note });
  }
  return packed;
};

/** Notes of builds say where their release lies; in a bundle only its name. */
const packBuilds = async (cache: Cache, releases: readonly BuiltRelease[], work: string): Promise<readonly Packed[]> => {
  const files = new Set(releases.map(({ file }) => file));
  const packed: Packed[] = [];
  for (const name of (await readdir(cache.builds).catch(() => [])).filter((file) => file.endsWith(".json"))) {
    const note = JSON.parse(await readFile(join(cache.builds, name), "utf8")) as BuiltRelease;
    if (!files.has(note.file)) continue;
    const file = join(work, name);
    await writeFile(file, JSON.stringify({ ...note, file: basename(note.file) }));
    packed.push({ path: `builds/${name}`, file });
  }
  return [...[...files].map((file) => ({ path: `releases/${basename(file)}`, file })), ...packed];
};

const workFolder = async (cache: Cache): Promise<string> => {
  await mkdir(cache.folder, { recursive: true, mode: 0o700 });
  await removeStale(cache.folder);
  return mkdtemp(join(cache.folder, `.bundle-${process.pid}-`));
};

export const makeBundle = async (loaded: Loaded, target: string, say: Say): Promise<Manifest> => {
  const cache = cachePaths(loaded.roots);
  const work = await workFolder(cache);
  try {
    const artifacts = await packArtifacts(loaded, say);
    await ensureImages(loaded, cache.images, say);
    const images = (await Promise.all([...new Set(imagesOf(loaded))].map((id) => packImage(cache.images, id)))).flat();
    const builds = await packBuilds(cache, Object.values(loaded.releases), work);
    say("packing");
    const head = { site: loaded.model.site, environment: loaded.model.environment, architecture: loaded.platform.architecture };
    return await writeBundle(target, head, [...artifacts, ...images, ...builds], work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const keepArtifacts = async (cache: Cache, staged: readonly Staged[]): Promise<void> => {
  for (const { entry, file } of staged) {
    if (entry.note === undefined) continue;
    await mkdir(cache.artifacts, { recursive: true, mode: 0o700 });
    await keepFile(cache.artifacts, file, { ...entry.note, sha256: entry.sha256, source: "bundle" });
  }
};

/** Releases before the notes that name them. */
const keepBuilds = async (cache: Cache, staged: readonly Staged[]): Promise<void> => {
  await mkdir(cache.releases, { recursive: true, mode: 0o700 });
  await mkdir(cache.builds, { recursive: true, mode: 0o700 });
  for (const { entry, file } of staged.filter(({ entry: { path } }) => path.startsWith("releases/")))
    await rename(file, join(cache.releases, basename(entry.path)));
  for (const { entry, file } of staged.filter(({ entry: { path } }) => path.startsWith("builds/"))) {
    const note = JSON.parse(await readFile(file, "utf8")) as BuiltRelease;
    await writeFile(file, JSON.stringify({ ...note, file: join(cache.releases, basename(note.file)) }), { flush: true });
    await rename(file, join(cache.builds, basename(entry.path)));
  }
};

/** Takes in a whole bundle, or nothing of it. @throws CroftError ARTIFACT */
export const takeBundle = async (file: string, roots: Roots, architecture: Architecture): Promise<Manifest> => {
  const cache = cachePaths(roots);
  const work = await workFolder(cache);
  try {
    const { manifest, staged } = await readBundle(file, work, architecture);
    const prepared = join(work, "images");
    await mkdir(prepared);
    const images: (readonly [string, string])[] = [];
    for (const id of stagedImages(staged))
      if (!(await imageExists(cache.images, id))) images.push([id, await prepareImage(file, staged, id, prepared)]);
    await keepArtifacts(cache, staged);
    for (const [id, path] of images) await keepImage(cache.images, id, path);
    await keepBuilds(cache, staged);
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** A bundle of another configuration lacks images, and building one would need the network. @throws CroftError ARTIFACT */
export const refuseMissingImages = async (loaded: Loaded, file: string): Promise<void> => {
  const { images } = cachePaths(loaded.roots);
  const found = await Promise.all(imagesOf(loaded).map(async (id) => ({ id, there: await imageExists(images, id) })));
  const missing = found.filter(({ there }) => !there).map(({ id }) => id);
  if (missing.length === 0) return;
  throw new CroftError("ARTIFACT", `${file} was made for another configuration: image ${missing.join(", ")} is not in it`, {
    hint: "make it from the same croft.yaml, with the same croft and hypervisor (CROFT_HYPERVISOR=cloud-hypervisor for hosts with KVM)",
  });
};
