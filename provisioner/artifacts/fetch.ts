/** Gets an artifact's file into the cache from the first source that has it; nothing unverified ever has its final name. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { CroftError, errorChain } from "../errors.ts";
import type { HostPackage } from "../host/packages.ts";
import type { Shell } from "../transport/shell.ts";
import { artifactOf, fileOf } from "./catalogue.ts";
import type { Artifact, ArtifactFile, Source } from "./catalogue.ts";
import { systemCode } from "./failures.ts";
import { findPin, isOnlyLocked, pinOf } from "./pins.ts";
import type { Pins } from "./pins.ts";
import { findCached, isCached, keepFile, removeStale, takePartial } from "./sources/cache.ts";
import type { SourceType } from "./sources/cache.ts";
import { fetchDebian } from "./sources/debian.ts";
import { fetchGo, goPackage } from "./sources/go.ts";
import { fetchMaven } from "./sources/maven.ts";
import { fetchMirror } from "./sources/mirror.ts";
import { fetchNpm } from "./sources/npm.ts";
import { fetchRelease } from "./sources/release.ts";
import type { SourceTools } from "./sources/source.ts";

export type ArtifactTools = {
  readonly shell: Shell;
  /** `/var/cache/croft/artifacts`. */
  readonly folder: string;
  readonly pins: Pins;
  readonly mavenBase: string;
  /** A folder or an address laid out by digest; asked before all other sources. */
  readonly mirror: string | undefined;
};

export type Report = (text: string) => void;

const fetchSource = (tools: SourceTools, source: Source, file: ArtifactFile): Promise<string> => {
  switch (source.type) {
    case "npm":
      return fetchNpm(tools, source, file);
    case "release":
      return fetchRelease(tools, source, file);
    case "maven":
      return fetchMaven(tools, source, file);
    case "go":
      return fetchGo(tools, source, file);
    case "debian":
      return fetchDebian(tools, source, file);
  }
};

type Try = { readonly type: SourceType; readonly get: (tools: SourceTools) => Promise<string> };

const triesOf = (mirror: string | undefined, file: ArtifactFile, sha256: string): readonly Try[] => [
  ...(mirror === undefined ? [] : [{ type: "mirror" as const, get: (tools: SourceTools) => fetchMirror(tools, mirror, sha256) }]),
  ...file.sources.map((source): Try => ({ type: source.type, get: (tools) => fetchSource(tools, source, { ...file, sha256 }) })),
];

const describe = (type: SourceType, error: unknown): string => {
  const hint = error instanceof CroftError ? [error.tail, error.hint].filter((text) => text !== undefined).join("; ") : "";
  return `${type}: ${errorChain(error).join(": ")}${hint === "" ? "" : ` (${hint.replaceAll("\n", ", ")})`}`;
};

/** No other source can help. */
const isSerious = (error: unknown): boolean => systemCode(error) === "ENOSPC";

const attempt = async (tools: ArtifactTools, artifact: Artifact, sha256: string, one: Try, report: Report): Promise<string> => {
  const work = await mkdtemp(join(tools.folder, `.work-${process.pid}-`));
  const partials: string[] = [];
  const partial = async (digest: string): Promise<string> => {
    const file = await takePartial(tools.folder, digest);
    partials.push(file);
    return file;
  };
  const { architecture } = tools.pins;
  let keep = false;
  try {
    const file = await one.get({ shell: tools.shell, architecture, work, partial, report, mavenBase: tools.mavenBase });
    return await keepFile(tools.folder, file, { name: artifact.name, version: artifact.version, architecture, sha256, source: one.type });
  } catch (error) {
    keep = error instanceof CroftError && error.transient;
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
    if (!keep) await Promise.all(partials.map((file) => rm(file, { force: true })));
  }
};

/** Path of the verified file, fetched at need. @throws CroftError ARTIFACT with what each source said. */
export const ensureArtifact = async (tools: ArtifactTools, name: string, report: Report = () => {}): Promise<string> => {
  const artifact = artifactOf(name);
  const sha256 = pinOf(tools.pins, name);
  const cached = await findCached(tools.folder, name, sha256);
  if (cached !== undefined) return cached;
  await mkdir(tools.folder, { recursive: true, mode: 0o700 });
  await removeStale(tools.folder);
  const failures: string[] = [];
  for (const one of triesOf(tools.mirror, fileOf(artifact, tools.pins.architecture), sha256)) {
    try {
      return await attempt(tools, artifact, sha256, one, (text) => report(`${name}: ${text}`));
    } catch (error) {
      if (isSerious(error)) throw error;
      failures.push(describe(one.type, error));
    }
  }
  throw new CroftError("ARTIFACT", `no source has ${name} ${artifact.version} (sha256 ${sha256.slice(0, 16)})`, {
    tail: failures.join("\n"),
    hint: isOnlyLocked(tools.pins, name)
      ? `croft.lock pins it: import the very same file, or remove the entry: croft artifact import ${name} FILE`
      : `croft artifact import ${name} FILE`,
  });
};

/** Host packages that fetching these artifacts takes, where they are not in the cache yet. */
export const artifactPackages = async (tools: ArtifactTools, names: readonly string[]): Promise<readonly HostPackage[]> => {
  const needed = names.map(async (name) => {
    const file = fileOf(artifactOf(name), tools.pins.architecture);
    const sha256 = findPin(tools.pins, name);
    const built = file.sources.length > 0 && file.sources.every(({ type }) => type === "go");
    if (!built || tools.mirror !== undefined || (sha256 !== undefined && (await isCached(tools.folder, name, sha256)))) return [];
    return [goPackage(name)];
  });
  return (await Promise.all(needed)).flat();
};
