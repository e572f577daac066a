/** The complete desired configuration of one machine, assembled from what domains contribute. Pure. */
import { hash } from "node:crypto";
import { CroftError } from "../errors.ts";
import type { FileEntry, GenerationPart, Probe, UnitEntry } from "../model/contribution.ts";
import { resourceId, shortHash } from "../model/names.ts";
import type { Resource, ResourceId } from "../plan/resource.ts";
import type { TarEntry } from "../transport/tar.ts";
import { AGENT } from "./agent-script.ts";

export type Generation = {
  readonly id: string;
  readonly machine: string;
  readonly manifest: string;
  /** Path to SHA-256. */
  readonly files: Readonly<Record<string, string>>;
  readonly entries: readonly TarEntry[];
};

/** `image`: the file the machine's root was copied from, which has its packages' files as they were. */
export type GenerationPayload = { readonly generation: Generation; readonly image: string };

const WORD = /^[A-Za-z0-9@%_+=:,./\\-]+$/;

/** The manifest's words are split at spaces. @throws CroftError BUG */
const word = (text: string): string => {
  if (WORD.test(text)) return text;
  throw new CroftError("BUG", `a generation cannot hold the name ${JSON.stringify(text)}`);
};

const sha256 = (text: string): string => hash("sha256", text);
const AGENT_HASH = sha256(AGENT);

const directoryLine = (entry: GenerationPart["directories"][number]): string =>
  `d ${word(entry.mode)} ${word(entry.owner)} ${word(entry.path)}`;

/** A file with its hash, made once: contents are long, and most machines have many in common with their neighbours. */
type HashedFile = FileEntry & { readonly hash: string };

const hashed = (file: FileEntry): HashedFile => ({ ...file, hash: file.content === AGENT ? AGENT_HASH : sha256(file.content) });

const fileLine = (file: HashedFile): string => `f ${word(file.mode)} ${word(file.owner)} ${file.hash} ${word(file.path)}`;

const unitLine = (unit: UnitEntry): string => {
  const paths = unit.watches.length === 0 ? "-" : unit.watches.map(word).join(",");
  return `u ${word(unit.name)} ${unit.start ? "start" : "install"} ${unit.onChange} ${paths}`;
};

const probeLine = (probe: Probe): string => `p ${probe.timeoutSeconds} ${word(probe.unit ?? "-")} ${word(probe.name)}`;

const refuseTwice = (machine: string, paths: readonly string[]): void => {
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw new CroftError("BUG", `two parts of machine ${machine} write ${twice}`);
};

export const makeGeneration = (machine: string, parts: readonly GenerationPart[]): Generation => {
  const files = parts.flatMap((part) => part.files).map(hashed);
  const probes = parts.flatMap((part) => part.probes);
  refuseTwice(
    machine,
    files.map((file) => file.path),
  );
  refuseTwice(
    machine,
    probes.map((probe) => probe.name),
  );
  const manifest = [
    ...parts.flatMap((part) => part.directories).map(directoryLine),
    ...files.map(fileLine),
    ...parts.flatMap((part) => part.units).map(unitLine),
    ...probes.map(probeLine),
    "",
  ].join("\n");
  const contents = new Map(files.map((file) => [file.hash, file.content]));
  const entries: readonly TarEntry[] = [
    { name: "manifest", content: manifest, mode: 0o600 },
    { name: "agent", content: AGENT, mode: 0o700 },
    ...[...contents].map(([hash, content]) => ({ name: `files/${hash}`, content, mode: 0o600 })),
    ...probes.map((probe) => ({ name: `probes/${probe.name}`, content: `${probe.command}\n`, mode: 0o700 })),
  ];
  // The manifest names files by their hashes, so theirs stand for their contents.
  const id = shortHash(JSON.stringify([manifest, AGENT_HASH, ...probes.map(({ name, command }) => [name, command])]), 16);
  return { id, machine, manifest, files: Object.fromEntries(files.map((file) => [file.path, file.hash])), entries };
};

export const generationId = (machine: string): ResourceId => resourceId("generation", machine);

/** What `firewall` and `packages` are while nobody touched them. */
export const INTACT = "intact";

/** `needs`: slots with content the units want, and whatever else the parts ask for. */
export const generationResource = (host: string, generation: Generation, parts: readonly GenerationPart[], image: string): Resource => {
  const started = parts.flatMap((part) => part.units).filter((unit) => unit.start);
  const machine = resourceId("machine", generation.machine);
  return {
    id: generationId(generation.machine),
    kind: "generation",
    host,
    spec: {
      machine: generation.machine,
      generation: generation.id,
      files: Object.fromEntries(Object.entries(generation.files).map(([path, sha]) => [path, sha.slice(0, 12)])),
      directories: Object.fromEntries(parts.flatMap((part) => part.directories).map(({ path, mode, owner }) => [path, `${mode} ${owner}`])),
      units: Object.fromEntries(started.map((unit) => [unit.name, "active"])),
      firewall: INTACT,
      packages: INTACT,
      pending: "none",
    },
    payload: { generation, image } satisfies GenerationPayload,
    needs: [machine, ...new Set(parts.flatMap((part) => part.needs))],
    lostWith: [machine],
  };
};
