/** What a bundle says about itself: the first entry of its tar. Pure. */
import { CroftError } from "../../errors.ts";
import type { Architecture } from "../catalogue.ts";
import type { Note } from "../sources/cache.ts";

export type BundleEntry = {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Size once unpacked, where the entry is compressed. */
  readonly rawBytes?: number;
  /** Which artifact it is. */
  readonly note?: Note;
};

export type Manifest = {
  readonly format: "croft-bundle";
  readonly version: 1;
  readonly site: string;
  readonly environment: string;
  readonly architecture: Architecture;
  readonly entries: readonly BundleEntry[];
};

export const MANIFEST = "manifest.json";
export const COMPRESSED = ".zst";

/** Nothing else may be in a bundle, so no path of it can lead anywhere else. */
const PATHS = [
  /^sha256\/[0-9a-f]{64}$/,
  /^images\/[0-9a-f]{16}\/(root\.raw\.zst|vmlinuz|initrd|recipe\.json|packages\.txt)$/,
  /^releases\/[a-z0-9][a-z0-9-]*@[0-9a-f]{16}\.tar$/,
  /^builds\/[a-z0-9][a-z0-9-]*\.json$/,
];

export const isBundlePath = (path: string): boolean => PATHS.some((pattern) => pattern.test(path));

export const bundleError = (file: string, reason: string, cause?: unknown): CroftError =>
  new CroftError("ARTIFACT", `${file} cannot be used: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "nothing was taken from it; make it again with `croft bundle` and compare its SHA-256 after copying",
  });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isNote = (value: unknown): boolean =>
  isRecord(value) &&
  ["name", "version", "architecture", "sha256"].every((key) => typeof value[key] === "string") &&
  /^[a-z0-9-]+$/.test(String(value["name"]));

const isEntry = (value: unknown): value is BundleEntry =>
  isRecord(value) &&
  typeof value["path"] === "string" &&
  typeof value["sha256"] === "string" &&
  /^[0-9a-f]{64}$/.test(value["sha256"]) &&
  Number.isSafeInteger(value["bytes"]) &&
  (value["rawBytes"] === undefined || Number.isSafeInteger(value["rawBytes"])) &&
  (value["note"] === undefined || isNote(value["note"]));

const isManifest = (value: unknown): value is Manifest =>
  isRecord(value) &&
  value["format"] === "croft-bundle" &&
  typeof value["site"] === "string" &&
  Array.isArray(value["entries"]) &&
  value["entries"].every(isEntry);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** @throws CroftError ARTIFACT */
export const parseManifest = (file: string, text: string, architecture: Architecture): Manifest => {
  const value = parseJson(text);
  if (!isManifest(value)) throw bundleError(file, "it is no bundle of croft");
  if (value.version !== 1) throw bundleError(file, `it was made by another croft (format ${String(value.version)})`);
  if (value.architecture !== architecture) throw bundleError(file, `it is for ${value.architecture}, this host is ${architecture}`);
  const foreign = value.entries.find(({ path }) => !isBundlePath(path));
  if (foreign !== undefined) throw bundleError(file, `it holds ${JSON.stringify(foreign.path)}, which no bundle has`);
  if (new Set(value.entries.map(({ path }) => path)).size !== value.entries.length) throw bundleError(file, "it names a file twice");
  return value;
};
