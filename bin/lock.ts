/** `croft.lock` of a site: read, compared with what the site uses, written after a run that went well. */
import { readFile, rename, writeFile } from "node:fs/promises";
import type { ImagePayload } from "../images/resource.ts";
import { artifactOf, fileOf } from "../provisioner/artifacts/catalogue.ts";
import type { Architecture } from "../provisioner/artifacts/catalogue.ts";
import { EMPTY_LOCK, compareLock, mergeLock, parseLock, refuseChanged, renderLock } from "../provisioner/artifacts/lock-file.ts";
import type { Lock, LockChange, Locked } from "../provisioner/artifacts/lock-file.ts";
import { pinOf } from "../provisioner/artifacts/pins.ts";
import type { Pins } from "../provisioner/artifacts/pins.ts";
import { readNotes } from "../provisioner/artifacts/sources/cache.ts";
import { lockPath } from "../provisioner/model/names.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import type { Loaded } from "./load.ts";
import type { Io } from "./main.ts";
import { HYPERVISOR } from "./platform.ts";

const readText = (file: string): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined);

/** @throws CroftError CONFIG_INVALID where it is no lock file. */
export const readLock = async (siteFolder: string): Promise<Lock> => {
  const text = await readText(lockPath(siteFolder));
  return text === undefined ? EMPTY_LOCK : parseLock(lockPath(siteFolder), text);
};

/** Names of the artifacts a site uses: those of its images, and the hypervisor. */
export const usedArtifacts = (resources: readonly Resource[], standIn: boolean): readonly string[] => {
  const ofImages = resources
    .filter(({ kind }) => kind === "image")
    .flatMap(({ payload }) => (payload as ImagePayload).recipe.artifacts.map(({ name }) => name));
  return [...new Set([...ofImages, ...(standIn ? [] : [HYPERVISOR])])].toSorted();
};

/** What the catalogue pins is locked for every architecture, so that hosts of both agree on one file. */
const digestsOf = (pins: Pins, name: string): Readonly<Partial<Record<Architecture, string>>> => {
  const artifact = artifactOf(name);
  const known = (["amd64", "arm64"] as const).flatMap((one) => {
    const sha256 = artifact.files[one]?.sha256;
    return sha256 === undefined ? [] : [[one, sha256] as const];
  });
  return { ...Object.fromEntries(known), [pins.architecture]: pinOf(pins, name) };
};

const lockedOf = (pins: Pins, name: string): Locked => {
  const sha256 = pinOf(pins, name);
  const note = pins.notes.find((one) => one.name === name && one.sha256 === sha256);
  const source = note?.source ?? fileOf(artifactOf(name), pins.architecture).sources[0]?.type ?? "import";
  return { version: artifactOf(name).version, source, sha256: digestsOf(pins, name) };
};

const usedOf = (loaded: Loaded, pins: Pins): Readonly<Record<string, Locked>> =>
  Object.fromEntries(usedArtifacts(loaded.desired.resources, loaded.platform.standIn).map((name) => [name, lockedOf(pins, name)]));

const describe = (changes: readonly LockChange[]): readonly string[] =>
  changes.filter(({ kind }) => kind !== "added").map(({ text }) => `croft.lock: ${text}`);

/** Says what differs from the lock file. @throws CroftError ARTIFACT where one version has other bytes. */
export const checkLock = (loaded: Loaded, io: Io): void => {
  const changes = compareLock(loaded.artifacts.pins.lock, usedOf(loaded, loaded.artifacts.pins));
  refuseChanged(changes);
  describe(changes).forEach((line) => io.error(line));
};

/** Written only where it would differ; a folder that cannot be written is said, not a failure. */
export const writeLock = async (loaded: Loaded, io: Io): Promise<void> => {
  const pins = { ...loaded.artifacts.pins, notes: await readNotes(loaded.artifacts.folder) };
  const merged = mergeLock(pins.lock, usedOf(loaded, pins));
  const file = lockPath(loaded.model.folder);
  const before = await readText(file);
  const text = renderLock(merged);
  if (before === text || (before === undefined && Object.keys(merged.artifacts).length === 0)) return;
  try {
    await writeFile(`${file}.${process.pid}`, text, { flush: true });
    await rename(`${file}.${process.pid}`, file);
  } catch (error) {
    io.error(`croft.lock was not written: ${error instanceof Error ? error.message : String(error)}`);
  }
};
