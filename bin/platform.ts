/** Which hypervisor runs machines here, decided by the CPU and not by hope. */
import { fileURLToPath } from "node:url";
import { CATALOGUE } from "../provisioner/artifacts/catalogue.ts";
import { artifactFile, ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import { hasUsableKvm } from "../provisioner/host/bootstrap.ts";
import { cachePaths } from "../provisioner/model/names.ts";
import type { Roots } from "../provisioner/model/names.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import type { Io } from "./main.ts";
import type { Platform } from "./site.ts";
import { digestOf } from "./world.ts";

const architecture = (): "amd64" | "arm64" => (process.arch === "arm64" ? "arm64" : "amd64");

const standInProgram = (): readonly string[] => [process.execPath, fileURLToPath(new URL("croft-vmm", import.meta.url))];

/** `CROFT_HYPERVISOR=stand-in` or `cloud-hypervisor` overrules what the CPU says. `fetch` false: nothing is written. */
export const findPlatform = async (roots: Roots, environment: Io["environment"], fetch = true): Promise<Platform> => {
  const wanted = environment["CROFT_HYPERVISOR"];
  const real = wanted === undefined ? await hasUsableKvm() : wanted === "cloud-hypervisor";
  const common = { architecture: architecture(), digestOf: digestOf(architecture()) };
  if (!real) return { ...common, standIn: true, hypervisor: "stand-in", program: standInProgram() };
  const tools = { shell: makeLocalShell(), folder: cachePaths(roots).artifacts, architecture: common.architecture };
  const program = fetch ? await ensureArtifact(tools, "cloud-hypervisor") : artifactFile(tools, "cloud-hypervisor");
  const version = CATALOGUE["cloud-hypervisor"]?.version ?? "";
  return { ...common, standIn: false, hypervisor: `cloud-hypervisor ${version}`, program: [program] };
};
