/** A file brought by hand becomes an artifact: checked against the pin where there is one. */
import { copyFile, mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../errors.ts";
import { sh } from "../transport/sh.ts";
import type { Shell } from "../transport/shell.ts";
import { artifactOf, fileOf } from "./catalogue.ts";
import type { Architecture, Artifact, ArtifactFile } from "./catalogue.ts";
import { sha256Of } from "./digest.ts";
import { digestError, fullError, systemCode } from "./failures.ts";
import { keepFile } from "./sources/cache.ts";
import type { Note } from "./sources/cache.ts";

export type ImportRequest = {
  readonly shell: Shell;
  readonly folder: string;
  readonly architecture: Architecture;
  readonly name: string;
  readonly file: string;
  /** What the user says the digest of the file is. */
  readonly expected?: string;
};

const isGzip = async (file: string): Promise<boolean> => {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
};

const ELF = Buffer.from("\u007fELF");
const MACHINES: Readonly<Record<number, Architecture>> = { 0x3e: "amd64", 0xb7: "arm64" };

/** What a program file runs on; undefined where it is no program of Linux. */
const programArchitecture = async (file: string): Promise<Architecture | undefined> => {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(20), 0, 20, 0);
  return bytesRead === 20 && buffer.subarray(0, 4).equals(ELF) ? MACHINES[buffer.readUInt16LE(18)] : undefined;
};

const memberOf = (file: ArtifactFile): string | undefined =>
  file.sources.flatMap((source) => (source.type === "release" && source.member !== undefined ? [source.member] : []))[0];

/** The artifact is one file of the release's archive: either may be imported. */
const takeMember = async (request: ImportRequest, member: string | undefined, work: string): Promise<string> => {
  const copied = join(work, "file");
  if (member === undefined || !(await isGzip(copied))) return copied;
  const result = await request.shell.run(sh`tar -xzf ${copied} -C ${work} --no-same-owner ${member}`);
  if (result.ok && (await stat(join(work, member)).catch(() => undefined))?.isFile() === true) return join(work, member);
  throw new CroftError("ARTIFACT", `${request.file} holds no ${member}`, { tail: result.stderr.trim() });
};

/** Only what has no pinned digest needs to look right. */
const refuseOther = async (request: ImportRequest, artifact: Artifact, file: string): Promise<void> => {
  if (artifact.unpack !== undefined) return;
  const found = await programArchitecture(file);
  if (found === request.architecture) return;
  throw new CroftError(
    "ARTIFACT",
    `${request.file} is no program for ${request.architecture}${found === undefined ? "" : `, but one for ${found}`}`,
  );
};

const copyIn = async (request: ImportRequest, work: string): Promise<void> => {
  const found = await stat(request.file).catch(() => undefined);
  if (found?.isFile() !== true) throw new CroftError("ARTIFACT", `${request.file} is not a file that can be read`);
  await copyFile(request.file, join(work, "file")).catch((cause: unknown) => {
    throw systemCode(cause) === "ENOSPC" ? fullError(request.folder, cause) : cause;
  });
};

/** @throws CroftError ARTIFACT; nothing is kept then. */
export const importArtifact = async (request: ImportRequest): Promise<Note> => {
  const artifact = artifactOf(request.name);
  const wanted = fileOf(artifact, request.architecture);
  await mkdir(request.folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(request.folder, `.work-${process.pid}-`));
  try {
    await copyIn(request, work);
    const given = await sha256Of(join(work, "file"));
    if (request.expected !== undefined && given !== request.expected)
      throw digestError(request.file, `sha256 ${request.expected}`, `sha256 ${given}`);
    const file = await takeMember(request, memberOf(wanted), work);
    const sha256 = await sha256Of(file);
    if (wanted.sha256 !== undefined && sha256 !== wanted.sha256)
      throw digestError(request.file, `sha256 ${wanted.sha256}`, `sha256 ${sha256}`);
    if (wanted.sha256 === undefined) await refuseOther(request, artifact, file);
    const note: Note = { name: artifact.name, version: artifact.version, architecture: request.architecture, sha256, source: "import" };
    await keepFile(request.folder, file, note);
    return note;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
