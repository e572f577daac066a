/** Which hypervisor runs machines here, decided by the CPU and not by hope. */
import { fileURLToPath } from "node:url";
import { CATALOGUE } from "../provisioner/artifacts/catalogue.ts";
import { artifactFile, ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import { CroftError } from "../provisioner/errors.ts";
import { hasUsableKvm } from "../provisioner/host/bootstrap.ts";
import { cachePaths } from "../provisioner/model/names.ts";
import type { Roots } from "../provisioner/model/names.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import type { Io } from "./main.ts";
import type { Platform } from "./site.ts";
import { digestOf } from "./world.ts";

const architecture = (): "amd64" | "arm64" => (process.arch === "arm64" ? "arm64" : "amd64");

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
  if (engine === "qemu" && architecture() !== "amd64")
    throw new CroftError("HOST_UNFIT", "the engine qemu emulates amd64 machines on amd64 hosts only");
  return make();
};

/**
 * `CROFT_HYPERVISOR=stand-in` or `cloud-hypervisor` overrules what the CPU says; `CROFT_VMM_ENGINE` says what
 * runs the stand-in's guests: `nspawn`, or `qemu` with real kernels. `fetch` false: nothing is written.
 */
export const findPlatform = async (roots: Roots, environment: Io["environment"], fetch = true): Promise<Platform> => {
  const wanted = environment["CROFT_HYPERVISOR"];
  const real = wanted === undefined ? await hasUsableKvm() : wanted === "cloud-hypervisor";
  const common = { architecture: architecture(), digestOf: digestOf(architecture()) };
  if (!real) return { ...common, ...standIn(environment["CROFT_VMM_ENGINE"] ?? "nspawn") };
  const tools = { shell: makeLocalShell(), folder: cachePaths(roots).artifacts, architecture: common.architecture };
  const program = fetch ? await ensureArtifact(tools, "cloud-hypervisor") : artifactFile(tools, "cloud-hypervisor");
  const version = CATALOGUE["cloud-hypervisor"]?.version ?? "";
  return {
    ...common,
    standIn: false,
    bootable: true,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    hypervisor: `cloud-hypervisor ${version}`,
    program: [program],
  };
};
