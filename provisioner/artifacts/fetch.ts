/** Gets an artifact's file into the cache from the first source that has it; nothing unverified ever has its final name. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CroftError } from "../errors.ts";
import { shortHash } from "../model/names.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { CATALOGUE, sourceDigest } from "./catalogue.ts";
import type { Architecture, Source } from "./catalogue.ts";

export type ArtifactTools = {
  readonly shell: Shell;
  /** `/var/cache/croft/artifacts`. */
  readonly folder: string;
  readonly architecture: Architecture;
};

const hashFile = async (file: string, algorithm: "sha256" | "sha512"): Promise<Buffer> => {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest();
};

const refuse = (what: string, wanted: string, got: string): never => {
  throw new CroftError("ARTIFACT", `${what} is not the pinned file`, { tail: `wanted ${wanted}\ngot    ${got}` });
};

const fetchNpm = async (tools: ArtifactTools, source: Source & { type: "npm" }, work: string): Promise<string> => {
  const spec = `${source.package}@${source.version}`;
  await must(tools.shell, `fetching ${spec} with npm`, sh`cd ${work} && npm pack --silent ${spec} --pack-destination ${work}`, {
    timeoutMs: 600_000,
  });
  const tarball = (await readdir(work)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new CroftError("ARTIFACT", `npm gave no file for ${spec}`);
  const got = `sha512-${(await hashFile(join(work, tarball), "sha512")).toString("base64")}`;
  if (got !== source.integrity) refuse(spec, source.integrity, got);
  await must(tools.shell, `unpacking ${spec}`, sh`tar -xzf ${join(work, tarball)} -C ${work} ${source.member}`);
  return join(work, source.member);
};

const fetchRelease = async (source: Source & { type: "release" }, work: string): Promise<string> => {
  const response = await fetch(source.url, { signal: AbortSignal.timeout(600_000) }).catch((cause: unknown) => {
    throw new CroftError("ARTIFACT", `cannot reach ${source.url}`, { cause, transient: true });
  });
  if (!response.ok || response.body === null) {
    throw new CroftError("ARTIFACT", `${source.url} answered HTTP ${response.status}`);
  }
  const file = join(work, "file");
  await pipeline(Readable.fromWeb(response.body as never), createWriteStream(file));
  const got = (await hashFile(file, "sha256")).toString("hex");
  if (got !== source.sha256) refuse(source.url, source.sha256, got);
  return file;
};

const fetchSource = (tools: ArtifactTools, source: Source, work: string): Promise<string> =>
  source.type === "npm" ? fetchNpm(tools, source, work) : fetchRelease(source, work);

const sourcesOf = (name: string, architecture: Architecture): readonly Source[] => {
  const sources = CATALOGUE[name]?.sources[architecture];
  if (sources === undefined) throw new CroftError("ARTIFACT", `the catalogue has no ${name} for ${architecture}`);
  return sources;
};

/** Digest an artifact is pinned to; part of the name of every image that holds it. */
export const artifactDigest = (name: string, architecture: Architecture): string =>
  sourcesOf(name, architecture).map(sourceDigest).join(" ");

/** Where the verified file is, or will be. */
export const artifactFile = (tools: Pick<ArtifactTools, "folder" | "architecture">, name: string): string =>
  join(tools.folder, `${name}-${shortHash(artifactDigest(name, tools.architecture), 16)}`);

/** Path of the verified file, fetched at need. @throws CroftError ARTIFACT with what each source said. */
export const ensureArtifact = async (tools: ArtifactTools, name: string): Promise<string> => {
  const sources = sourcesOf(name, tools.architecture);
  const target = artifactFile(tools, name);
  if (
    await stat(target).then(
      () => true,
      () => false,
    )
  )
    return target;
  await mkdir(tools.folder, { recursive: true, mode: 0o700 });
  const failures: string[] = [];
  for (const source of sources) {
    const work = await mkdtemp(join(tools.folder, ".work-"));
    try {
      const file = await fetchSource(tools, source, work);
      await chmod(file, 0o755);
      await rename(file, target);
      return target;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new CroftError("ARTIFACT", `no source has ${name}`, { tail: failures.join("\n") });
};
