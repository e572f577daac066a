/** Third-party programs croft may need, each pinned by digest, with the sources that have it, in order. Pure. */
import { CroftError } from "../errors.ts";

export type NpmSource = {
  readonly type: "npm";
  readonly package: string;
  readonly version: string;
  /** Subresource integrity of the package's tarball. */
  readonly integrity: string;
  /** Path inside the tarball. */
  readonly member: string;
};

export type ReleaseSource = {
  readonly type: "release";
  readonly url: string;
  /** Of what the address serves. Without it nothing is downloaded: the file can only be imported. */
  readonly sha256?: string;
  /** Path inside the tarball, where the address serves one and the artifact is one file of it. */
  readonly member?: string;
};

export type MavenSource = {
  readonly type: "maven";
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly extension: string;
};

/** Built here; module, version, toolchain and flags together decide every byte. */
export type GoSource = {
  readonly type: "go";
  /** The main package: a module, or a package of one. */
  readonly module: string;
  readonly version: string;
  /** Which Go compiles it: `go1.26.8`. */
  readonly toolchain: string;
  readonly flags: readonly string[];
};

export type DebianSource = {
  readonly type: "debian";
  readonly package: string;
  readonly version: string;
  /** Path inside the package. */
  readonly member: string;
};

export type Source = NpmSource | ReleaseSource | MavenSource | GoSource | DebianSource;

export type Architecture = "amd64" | "arm64";

/** One architecture's file. Without `sha256` the pin is what was imported or what `croft.lock` says. */
export type ArtifactFile = { readonly sha256?: string; readonly sources: readonly Source[] };

/** How an archive becomes a folder: `strip` leading parts of every path are dropped. */
export type Unpack = { readonly type: "zip" | "tar.gz"; readonly strip: number };

export type Artifact = {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  /** What an operator should know before using it. */
  readonly note?: string;
  readonly unpack?: Unpack;
  readonly files: Readonly<Partial<Record<Architecture, ArtifactFile>>>;
};

const NODE = "24.21.0";

const nodeFile = (platform: string, sha256: string, integrity: string): ArtifactFile => ({
  sha256,
  sources: [{ type: "npm", package: `node-linux-${platform}`, version: NODE, integrity, member: "package/bin/node" }],
});

const node: Artifact = {
  name: "node",
  version: NODE,
  licence: "MIT",
  files: {
    amd64: nodeFile(
      "x64",
      "7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c",
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    ),
    arm64: nodeFile(
      "arm64",
      "0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584",
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    ),
  },
};

const HYPERVISOR = "v53.0";

const hypervisorFile = (file: string, sha256: string): ArtifactFile => ({
  sha256,
  sources: [
    { type: "release", url: `https://github.com/cloud-hypervisor/cloud-hypervisor/releases/download/${HYPERVISOR}/${file}`, sha256 },
  ],
});

const cloudHypervisor: Artifact = {
  name: "cloud-hypervisor",
  version: HYPERVISOR,
  licence: "Apache-2.0 AND BSD-3-Clause",
  files: {
    amd64: hypervisorFile("cloud-hypervisor-static", "448af3d4e59b22c2987f7df94c213ad40fb53a10d437e42b5ee6c4fce7c29ecc"),
    arm64: hypervisorFile("cloud-hypervisor-static-aarch64", "f192b510eea1c710cbc439d716bb0573c223fc463dbe3e6523788a2b7ef62850"),
  },
};

const MINIO = "v0.0.0-20260212201848-7aac2a2c5b7c";

const minioFile = (sha256: string): ArtifactFile => ({
  sha256,
  sources: [{ type: "go", module: "github.com/minio/minio", version: MINIO, toolchain: "go1.26.8", flags: ["-ldflags=-s -w"] }],
});

const minio: Artifact = {
  name: "minio",
  version: "2026-02-12",
  licence: "AGPL-3.0-or-later",
  note: "its authors archived the project in 2026: no further fixes, and no binaries to download",
  files: {
    amd64: minioFile("166d850aaa1b30d5252eb332c4ed73020bcb54c23c848fea3880142c51147fd8"),
    arm64: minioFile("6c4a9ef3c7e920e91630bde09e1347e79c6b4f671ddf340a8768115e8f0afb0e"),
  },
};

/** The first with the fix that an identity file without identities no longer lets everybody in. */
const SEAWEEDFS = "4.45";

const seaweedfsFile = (platform: string): ArtifactFile => ({
  sources: [
    {
      type: "release",
      url: `https://github.com/seaweedfs/seaweedfs/releases/download/${SEAWEEDFS}/linux_${platform}.tar.gz`,
      member: "weed",
    },
  ],
});

const seaweedfs: Artifact = {
  name: "seaweedfs",
  version: SEAWEEDFS,
  licence: "Apache-2.0",
  note: "no digest is pinned yet: import the release, or the program `weed` of it; croft.lock pins what was imported",
  files: { amd64: seaweedfsFile("amd64"), arm64: seaweedfsFile("arm64") },
};

const KEYCLOAK = "26.7.3";

const keycloakFile: ArtifactFile = {
  sha256: "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47",
  sources: [{ type: "maven", group: "org.keycloak", artifact: "keycloak-quarkus-dist", version: KEYCLOAK, extension: "tar.gz" }],
};

const keycloak: Artifact = {
  name: "keycloak",
  version: KEYCLOAK,
  licence: "Apache-2.0",
  unpack: { type: "tar.gz", strip: 1 },
  files: { amd64: keycloakFile, arm64: keycloakFile },
};

export const CATALOGUE: Readonly<Record<string, Artifact>> = Object.fromEntries(
  [node, cloudHypervisor, minio, seaweedfs, keycloak].map((artifact) => [artifact.name, artifact]),
);

/** @throws CroftError ARTIFACT */
export const artifactOf = (name: string): Artifact => {
  const artifact = CATALOGUE[name];
  if (artifact !== undefined) return artifact;
  throw new CroftError("ARTIFACT", `the catalogue has no ${name}`, { hint: `it has ${Object.keys(CATALOGUE).join(", ")}` });
};

/** @throws CroftError ARTIFACT */
export const fileOf = (artifact: Artifact, architecture: Architecture): ArtifactFile => {
  const file = artifact.files[architecture];
  if (file === undefined) throw new CroftError("ARTIFACT", `the catalogue has no ${artifact.name} for ${architecture}`);
  return file;
};
