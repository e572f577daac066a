/** What croft itself needs on another host: its program, and a Node.js that runs there. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../provisioner/artifacts/lock-file.ts";
import { readNotes } from "../provisioner/artifacts/sources/cache.ts";
import { findMavenBase } from "../provisioner/artifacts/sources/maven.ts";
import { CroftError } from "../provisioner/errors.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { makePack, readFolder, readPackedFile } from "../provisioner/transport/remote/pack.ts";
import type { Pack } from "../provisioner/transport/remote/pack.ts";
import { isPackageFile, isProgram, packageFolders, shippedFolder } from "../provisioner/transport/remote/ship-list.ts";
import type { Manifest } from "../provisioner/transport/remote/ship-list.ts";
import type { Platform } from "../provisioner/transport/remote/ship.ts";

const ROOT = join(import.meta.dirname, "..");

const readManifest = (folder: string): Manifest | undefined => {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return undefined;
  }
};

export const croftPack = async (): Promise<Pack> => {
  const packages = packageFolders(ROOT, readManifest);
  const parts = await Promise.all([
    readFolder(ROOT, "", isProgram),
    ...packages.map((folder) => readFolder(folder, shippedFolder(ROOT, folder), isPackageFile)),
  ]);
  return makePack("croft", "croft", parts.flat());
};

const ARCHITECTURES: Readonly<Record<string, "amd64" | "arm64">> = { x86_64: "amd64", aarch64: "arm64" };

/** A computer that only drives others keeps what it fetches in its user's own cache. */
const userArtifacts = async (architecture: "amd64" | "arm64"): Promise<ArtifactTools> => {
  const folder = join(homedir(), ".cache", "croft", "artifacts");
  const pins = { architecture, lock: EMPTY_LOCK, notes: await readNotes(folder) };
  return { shell: makeLocalShell(), folder, pins, mavenBase: await findMavenBase(), mirror: process.env["CROFT_MIRROR"] };
};

/** This computer's own Node.js where the host is of its kind, otherwise the pinned one for the host. */
export const nodePack = async (platform: Platform): Promise<Pack> => {
  const architecture = ARCHITECTURES[platform.machine];
  if (architecture === undefined) throw new CroftError("HOST_UNFIT", `croft runs on x86_64 and aarch64, this host is ${platform.machine}`);
  const same = process.platform === "linux" && (process.arch === "arm64" ? "arm64" : "amd64") === architecture;
  const file = same ? process.execPath : await ensureArtifact(await userArtifacts(architecture), "node");
  return makePack("node", "Node.js", [await readPackedFile(file, "node")]);
};
