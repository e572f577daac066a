/** `croft artifact list | fetch NAME | import NAME FILE | verify`: the third-party programs in the cache. */
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { CATALOGUE, artifactOf } from "../../provisioner/artifacts/catalogue.ts";
import { sha256Of } from "../../provisioner/artifacts/digest.ts";
import { ensureArtifact } from "../../provisioner/artifacts/fetch.ts";
import { importArtifact } from "../../provisioner/artifacts/import.ts";
import type { Lock } from "../../provisioner/artifacts/lock-file.ts";
import { findPin } from "../../provisioner/artifacts/pins.ts";
import type { Pins } from "../../provisioner/artifacts/pins.ts";
import { isCached, readNotes } from "../../provisioner/artifacts/sources/cache.ts";
import type { Note } from "../../provisioner/artifacts/sources/cache.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { artifactPath, cachePaths } from "../../provisioner/model/names.ts";
import { formatBytes } from "../../provisioner/plan/print.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { findConfig, rootsFrom } from "../load.ts";
import { readLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { seconds } from "../output.ts";
import { parseWords } from "../options.ts";
import { findArtifactTools, hostArchitecture } from "../platform.ts";

const OPTIONS = {
  json: { type: "boolean" },
  file: { type: "string", short: "f" },
  sha256: { type: "string" },
  arch: { type: "string" },
} as const;

const USAGE = "croft artifact list | fetch NAME | import NAME FILE [--sha256 HEX] | verify [--file SITE]";

type Row = {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly sources: string;
  readonly cached: string;
  readonly sha256: string;
  readonly note: string;
};

const rowOf = async (folder: string, pins: Pins, name: string): Promise<Row> => {
  const artifact = artifactOf(name);
  const sha256 = findPin(pins, name);
  const file = artifact.files[pins.architecture];
  const there = sha256 !== undefined && (await isCached(folder, name, sha256));
  const from = pins.notes.find((note) => note.name === name && note.sha256 === sha256)?.source;
  return {
    name,
    version: artifact.version,
    licence: artifact.licence,
    sources: file?.sha256 === undefined ? "import" : file.sources.map(({ type }) => type).join(", "),
    cached: there ? (from ?? "yes") : "-",
    sha256: sha256 ?? "",
    note: artifact.note ?? "",
  };
};

const list = async (folder: string, pins: Pins, io: Io, json: boolean): Promise<number> => {
  const rows = await Promise.all(Object.keys(CATALOGUE).map((name) => rowOf(folder, pins, name)));
  if (json) {
    io.out(JSON.stringify(rows));
    return EXIT.ok;
  }
  const line = (row: Pick<Row, "name" | "version" | "sources" | "cached" | "licence">): string =>
    `${row.name.padEnd(18)}${row.version.padEnd(12)}${row.sources.padEnd(10)}${row.cached.padEnd(10)}${row.licence}`;
  io.out(line({ name: "NAME", version: "VERSION", sources: "SOURCE", cached: "CACHED", licence: "LICENCE" }));
  for (const row of rows) {
    io.out(line(row));
    if (row.note !== "") io.out(`  ${row.note}`);
  }
  return EXIT.ok;
};

const architectureOf = (word: string | undefined): "amd64" | "arm64" => {
  if (word === undefined) return hostArchitecture();
  if (word === "amd64" || word === "arm64") return word;
  throw new CroftError("USAGE", `--arch takes amd64 or arm64, not ${word}`);
};

/** What is wrong with one file of the cache. */
const check = async (folder: string, lock: Lock, note: Note): Promise<readonly string[]> => {
  const file = artifactPath(folder, note.name, note.sha256);
  const decayed = (await sha256Of(file)) === note.sha256 ? [] : [`${basename(file)} has decayed: its bytes are not what its name says`];
  const artifact = CATALOGUE[note.name];
  const known = artifact?.version === note.version ? artifact.files[note.architecture]?.sha256 : undefined;
  const other =
    known === undefined || known === note.sha256 ? [] : [`${basename(file)} is not the ${note.name} ${note.version} of the catalogue`];
  const locked = lock.artifacts[note.name];
  const pinned = locked?.version === note.version ? locked.sha256[note.architecture] : undefined;
  const unlocked =
    pinned === undefined || pinned === note.sha256 ? [] : [`${basename(file)} is not the ${note.name} ${note.version} of croft.lock`];
  return [...decayed, ...other, ...unlocked];
};

const verify = async (folder: string, pins: Pins, io: Io, json: boolean): Promise<number> => {
  const problems = (await Promise.all(pins.notes.map((note) => check(folder, pins.lock, note)))).flat();
  if (json) io.out(JSON.stringify({ checked: pins.notes.length, problems }));
  else {
    problems.forEach((problem) => io.out(problem));
    io.out(problems.length === 0 ? `${pins.notes.length} artifacts are whole.` : "What has decayed is fetched again when it is needed.");
  }
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
};

const importOne = async (
  folder: string,
  io: Io,
  words: readonly string[],
  options: { sha256?: string; arch?: string },
): Promise<number> => {
  const [name, file, ...more] = words;
  if (name === undefined || file === undefined || more.length > 0)
    throw new CroftError("USAGE", "import takes a name and a file", { hint: USAGE });
  const note = await importArtifact({
    shell: makeLocalShell(),
    folder,
    architecture: architectureOf(options.arch),
    name,
    file: resolve(io.folder, file),
    ...(options.sha256 === undefined ? {} : { expected: options.sha256 }),
  });
  io.out(`${note.name} ${note.version} for ${note.architecture} is in the cache: sha256 ${note.sha256}`);
  return EXIT.ok;
};

const fetchOne = async (io: Io, lock: Lock, name: string | undefined): Promise<number> => {
  if (name === undefined) throw new CroftError("USAGE", "fetch takes a name", { hint: USAGE });
  const tools = await findArtifactTools(rootsFrom(io.environment), io.environment, lock);
  const started = performance.now();
  const file = await ensureArtifact(tools, name, (text) => io.error(text));
  io.out(`${file} (${formatBytes((await stat(file)).size)}, ${seconds(performance.now() - started)})`);
  return EXIT.ok;
};

/** The lock file of `--file SITE`, or of the current folder where it is a site. */
const findLock = async (site: string | undefined, io: Io): Promise<Lock> =>
  readLock(site === undefined ? io.folder : join(findConfig(site, io.folder), ".."));

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, OPTIONS);
  const [verb, ...rest] = positionals;
  const folder = cachePaths(rootsFrom(io.environment)).artifacts;
  if (verb === "import") return importOne(folder, io, rest, values);
  const lock = await findLock(values.file, io);
  if (verb === "fetch") return fetchOne(io, lock, rest[0]);
  const pins: Pins = { architecture: hostArchitecture(), lock, notes: await readNotes(folder) };
  if (verb === "list") return list(folder, pins, io, values.json === true);
  if (verb === "verify") return verify(folder, pins, io, values.json === true);
  throw new CroftError("USAGE", `unknown command \`artifact ${verb ?? ""}\``, { hint: USAGE });
};
