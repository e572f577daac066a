/** Which hypervisor runs machines here, decided by the CPU and not by hope. */
import { fileURLToPath } from "node:url";
import { artifactOf } from "../provisioner/artifacts/catalogue.ts";
import { ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import type { Lock } from "../provisioner/artifacts/lock-file.ts";
import { digestWord } from "../provisioner/artifacts/pins.ts";
import { readNotes } from "../provisioner/artifacts/sources/cache.ts";
import { findMavenBase } from "../provisioner/artifacts/sources/maven.ts";
import { hasUsableKvm } from "../provisioner/host/bootstrap.ts";
import { cachePaths } from "../provisioner/model/names.ts";
import type { Roots } from "../provisioner/model/names.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import type { Io } from "./main.ts";
import type { Platform } from "./site.ts";

export const hostArchitecture = (): "amd64" | "arm64" => (process.arch === "arm64" ? "arm64" : "amd64");

const standInProgram = (): readonly string[] => [process.execPath, fileURLToPath(new URL("croft-vmm", import.meta.url))];

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

/** `CROFT_HYPERVISOR=stand-in` or `cloud-hypervisor` overrules what the CPU says. */
export const findPlatform = async (artifacts: ArtifactTools, environment: Io["environment"]): Promise<Platform> => {
  const wanted = environment["CROFT_HYPERVISOR"];
  const real = wanted === undefined ? await hasUsableKvm() : wanted === HYPERVISOR;
  const digestOf = (name: string): string => digestWord(artifacts.pins, name);
  const common = { architecture: artifacts.pins.architecture, digestOf };
  if (!real) return { ...common, standIn: true, hypervisor: "stand-in", program: standInProgram() };
  const program = await ensureArtifact(artifacts, HYPERVISOR);
  return { ...common, standIn: false, hypervisor: `${HYPERVISOR} ${artifactOf(HYPERVISOR).version}`, program: [program] };
};
