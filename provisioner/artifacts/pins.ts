/** Which bytes an artifact is: what the catalogue pins, else what `croft.lock` pins, else what was imported here. */
import { CroftError } from "../errors.ts";
import { artifactOf, fileOf } from "./catalogue.ts";
import type { Architecture, ArtifactFile } from "./catalogue.ts";
import type { Lock } from "./lock-file.ts";
import type { Note } from "./sources/cache.ts";

export type Pins = { readonly architecture: Architecture; readonly lock: Lock; readonly notes: readonly Note[] };

const addressOf = (file: ArtifactFile): string | undefined =>
  file.sources.flatMap((source) => (source.type === "release" ? [source.url] : []))[0];

/** The pin, where there is one. */
export const findPin = ({ architecture, lock, notes }: Pins, name: string): string | undefined => {
  const artifact = artifactOf(name);
  const known = fileOf(artifact, architecture).sha256;
  if (known !== undefined) return known;
  const locked = lock.artifacts[name];
  if (locked?.version === artifact.version && locked.sha256[architecture] !== undefined) return locked.sha256[architecture];
  const isImported = (note: Note): boolean => note.name === name && note.version === artifact.version && note.architecture === architecture;
  return notes.find(isImported)?.sha256;
};

/** Where `croft.lock` alone says which bytes are meant. */
export const isOnlyLocked = (pins: Pins, name: string): boolean =>
  fileOf(artifactOf(name), pins.architecture).sha256 === undefined && findPin({ ...pins, notes: [] }, name) !== undefined;

/** @throws CroftError ARTIFACT that says what to import. */
export const pinOf = (pins: Pins, name: string): string => {
  const found = findPin(pins, name);
  if (found !== undefined) return found;
  const artifact = artifactOf(name);
  const address = addressOf(fileOf(artifact, pins.architecture));
  throw new CroftError(
    "ARTIFACT",
    `${name} ${artifact.version} has to be imported: no digest of it is pinned, so croft does not download it`,
    {
      hint: `get ${address ?? "the official file"}, check it, then: croft artifact import ${name} FILE`,
    },
  );
};

/** As recipes of images say it. What still has to be imported has a word too: a site can be shown and removed without it. */
export const digestWord = (pins: Pins, name: string): string => `sha256-${findPin(pins, name) ?? "not-imported"}`;
