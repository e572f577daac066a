/** Which hypervisor runs machines here, decided by the CPU and not by hope. */
import { fileURLToPath } from "node:url";
import { CroftError } from "../provisioner/errors.ts";
import { artifactOf } from "../provisioner/artifacts/catalogue.ts";
import { ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import type { Lock } from "../provisioner/artifacts/lock-file.ts";
import { digestWord, findPin, pinOf } from "../provisioner/artifacts/pins.ts";
import { readNotes } from "../provisioner/artifacts/sources/cache.ts";
import { findMavenBase } from "../provisioner/artifacts/sources/maven.ts";
import { hasUsableKvm } from "../provisioner/host/bootstrap.ts";
import { artifactPath, cachePaths } from "../provisioner/model/names.ts";
import type { Roots } from "../provisioner/model/names.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import type { Io } from "./main.ts";
import type { Platform } from "./site.ts";

export const hostArchitecture = (): "amd64" | "arm64" => (process.arch === "arm64" ? "arm64" : "amd64");

const BOOT_TIMEOUT_MS = 120_000;
/** An emulated processor is some twenty times slower. */
const EMULATED_BOOT_TIMEOUT_MS = 600_000;

const standInProgram = (): readonly string[] => [process.execPath, fileURLToPath(new URL("croft-vmm", import.meta.url))];

type Runner = Pick<Platform, "standIn" | "bootable" | "bootTimeoutMs" | "hypervisor" | "program">;

const STAND_INS: Readonly<Record<string, () => Runner>> = {
  nspawn: () => ({
    standIn: true,
    bootable: false,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    hypervisor: "stand-in",
    program: standInProgram(),
  }),
  qemu: () => ({
    standIn: true,
    bootable: true,
    bootTimeoutMs: EMULATED_BOOT_TIMEOUT_MS,
    hypervisor: "stand-in (qemu)",
    program: [...standInProgram(), "--engine", "qemu"],
  }),
};

const standIn = (engine: string): Runner => {
  const make = new Map(Object.entries(STAND_INS)).get(engine);
  if (make === undefined)
    throw new CroftError("USAGE", `CROFT_VMM_ENGINE names no engine that runs machines: ${engine}`, {
      hint: `one of ${Object.keys(STAND_INS).join(", ")}`,
    });
  if (engine === "qemu" && hostArchitecture() !== "amd64")
    throw new CroftError("HOST_UNFIT", "the engine qemu emulates amd64 machines on amd64 hosts only");
  return make();
};

export const HYPERVISOR = "cloud-hypervisor";

/** `CROFT_MIRROR` is a folder or an address that keeps artifacts by digest. */
export const findArtifactTools = async (roots: Roots, environment: Io["environment"], lock: Lock): Promise<ArtifactTools> => {
  const folder = cachePaths(roots).artifacts;
  return {
    shell: makeLocalShell(),
    folder,
    pins: { architecture: hostArchitecture(), lock, notes: await readNotes(folder) },
    mavenBase: await findMavenBase(),
    mirror: environment["CROFT_MIRROR"],
  };
};

/**
 * `CROFT_HYPERVISOR=stand-in` or `cloud-hypervisor` overrules what the CPU says; `CROFT_VMM_ENGINE` says what
 * runs the stand-in's guests: `nspawn`, or `qemu` with real kernels. `fetch` false: nothing is written.
 */
export const findPlatform = async (artifacts: ArtifactTools, environment: Io["environment"], fetch = true): Promise<Platform> => {
  const wanted = environment["CROFT_HYPERVISOR"];
  const real = wanted === undefined ? await hasUsableKvm() : wanted === HYPERVISOR;
  const digestOf = (name: string): string => digestWord(artifacts.pins, name);
  const hasArtifact = (name: string): boolean => findPin(artifacts.pins, name) !== undefined;
  const common = { architecture: artifacts.pins.architecture, digestOf, hasArtifact };
  if (!real) return { ...common, ...standIn(environment["CROFT_VMM_ENGINE"] ?? "nspawn") };
  const program = fetch
    ? await ensureArtifact(artifacts, HYPERVISOR)
    : artifactPath(artifacts.folder, HYPERVISOR, pinOf(artifacts.pins, HYPERVISOR));
  return {
    ...common,
    standIn: false,
    bootable: true,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    hypervisor: `${HYPERVISOR} ${artifactOf(HYPERVISOR).version}`,
    program: [program],
  };
};
