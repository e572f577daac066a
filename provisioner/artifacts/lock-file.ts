/** `croft.lock`: which bytes of each artifact a site uses, so that every host uses the same. Pure. */
import { CroftError } from "../errors.ts";
import type { Architecture } from "./catalogue.ts";

export type Locked = {
  readonly version: string;
  /** Where it came from when it was locked; said, not compared. */
  readonly source: string;
  readonly sha256: Readonly<Partial<Record<Architecture, string>>>;
};

export type Lock = { readonly version: 1; readonly artifacts: Readonly<Record<string, Locked>> };

export const EMPTY_LOCK: Lock = { version: 1, artifacts: {} };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isDigests = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).every((digest) => typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest));

const isLocked = (value: unknown): value is Locked =>
  isRecord(value) && typeof value["version"] === "string" && typeof value["source"] === "string" && isDigests(value["sha256"]);

const isLock = (value: unknown): value is Lock =>
  isRecord(value) && value["version"] === 1 && isRecord(value["artifacts"]) && Object.values(value["artifacts"]).every(isLocked);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** @throws CroftError CONFIG_INVALID */
export const parseLock = (file: string, text: string): Lock => {
  const value = parseJson(text);
  if (isLock(value)) return value;
  throw new CroftError("CONFIG_INVALID", `${file} is not a lock file of croft`, {
    hint: "take it back from version control, or remove it: `croft up` writes a new one",
  });
};

/** The same text for the same pins. */
export const renderLock = (lock: Lock): string => {
  const names = Object.keys(lock.artifacts).toSorted();
  const artifacts = Object.fromEntries(
    names.map((name) => {
      const { version, source, sha256 } = lock.artifacts[name] as Locked;
      const digests = Object.fromEntries(Object.entries(sha256).toSorted(([a], [b]) => a.localeCompare(b)));
      return [name, { version, source, sha256: digests }];
    }),
  );
  return `${JSON.stringify({ version: lock.version, artifacts }, null, 2)}\n`;
};

export type LockChange = {
  readonly name: string;
  readonly kind: "added" | "version" | "digest" | "removed";
  readonly text: string;
};

const short = (sha256: string | undefined): string => (sha256 === undefined ? "none" : sha256.slice(0, 12));

const changeOf = (name: string, before: Locked | undefined, now: Locked): readonly LockChange[] => {
  if (before === undefined) return [{ name, kind: "added", text: `${name} ${now.version}` }];
  if (before.version !== now.version) return [{ name, kind: "version", text: `${name} ${before.version} -> ${now.version}` }];
  const differs = (["amd64", "arm64"] as const).filter(
    (one) => before.sha256[one] !== undefined && now.sha256[one] !== undefined && before.sha256[one] !== now.sha256[one],
  );
  return differs.map((one) => ({
    name,
    kind: "digest",
    text: `${name} ${now.version} for ${one}: locked ${short(before.sha256[one])}, here ${short(now.sha256[one])}`,
  }));
};

/** What differs between what is locked and what is used now. */
export const compareLock = (lock: Lock, used: Readonly<Record<string, Locked>>): readonly LockChange[] => [
  ...Object.entries(used).flatMap(([name, now]) => changeOf(name, lock.artifacts[name], now)),
  ...Object.entries(lock.artifacts)
    .filter(([name]) => used[name] === undefined)
    .map(([name, { version }]): LockChange => ({ name, kind: "removed", text: `${name} ${version} is no longer used` })),
];

/** The same version with other bytes is never accepted silently. @throws CroftError ARTIFACT */
export const refuseChanged = (changes: readonly LockChange[]): void => {
  const changed = changes.filter(({ kind }) => kind === "digest");
  if (changed.length === 0) return;
  throw new CroftError("ARTIFACT", "croft.lock pins other bytes for the same version", {
    tail: changed.map(({ text }) => text).join("\n"),
    hint: "if the new bytes are wanted, remove the entry from croft.lock and run the same command again",
  });
};

/** Digests of other architectures stay, and so does where an unchanged one came from. */
export const mergeLock = (lock: Lock, used: Readonly<Record<string, Locked>>): Lock => ({
  version: 1,
  artifacts: Object.fromEntries(
    Object.entries(used).map(([name, now]) => {
      const before = lock.artifacts[name];
      if (before?.version !== now.version) return [name, now];
      return [name, { ...before, sha256: { ...before.sha256, ...now.sha256 } }];
    }),
  ),
});
