/** One image per role set, named by everything that goes into it. Pure. */
import { artifactOf } from "../provisioner/artifacts/catalogue.ts";
import type { Unpack } from "../provisioner/artifacts/catalogue.ts";
import { shortHash } from "../provisioner/model/names.ts";
import { BASE, ROLES } from "./roles.ts";
import type { Role } from "./roles.ts";
import { CroftError } from "../provisioner/errors.ts";

/** Raised when the way an image is put together changes without its lists changing. */
const RECIPE_VERSION = 1;

export type ArtifactUse = {
  readonly name: string;
  readonly digest: string;
  /** Path of the file, or of the folder where it is an archive. */
  readonly target: string;
  readonly unpack?: Unpack;
};

export type Recipe = {
  readonly version: number;
  readonly suite: string;
  readonly architecture: "amd64" | "arm64";
  readonly roles: readonly string[];
  readonly packages: readonly string[];
  readonly unstable: readonly string[];
  readonly masked: readonly string[];
  readonly before: Readonly<Record<string, string>>;
  readonly artifacts: readonly ArtifactUse[];
  /** Left out where there is nothing to run, so that images without it keep their names. */
  readonly after?: string;
  /** Kernel and initrd for direct boot; left out where only the stand-in will run it. */
  readonly kernel: boolean;
  /** Counts `croft image update`: a new number resolves package versions anew. */
  readonly update: number;
};

export type RecipeInput = {
  readonly roles: readonly string[];
  readonly architecture: "amd64" | "arm64";
  readonly kernel: boolean;
  readonly update: number;
  /** Digest of an artifact of the catalogue. */
  readonly digestOf: (artifact: string) => string;
};

/** What the initrd needs to find and mount `/dev/vda`; everything else is loaded from the root disk. */
const INITRD_MODULES = ["virtio_pci", "virtio_blk", "ext4"] as const;

/** An initrd waits for the interface that `ip=` names and sets it up; here that is the machine's own business. */
const LEAVE_NETWORK = `#!/bin/sh
[ "\${1:-}" = prereqs ] || echo IP=off >> /conf/param.conf
`;

/** The root disk has no partition, and has its size before the machine starts. */
const CLOUD_INIT = `# croft
growpart: { mode: "off" }
resize_rootfs: false
`;

/** Caches that packages keep up to date while the image is built. */
const DONE_AT_BUILD = ["ldconfig.service", "systemd-journal-catalog-update.service"];

const KERNEL: Role = {
  name: "kernel",
  masked: DONE_AT_BUILD,
  packages: ["initramfs-tools", "zstd"],
  before: {
    "/etc/initramfs-tools/conf.d/croft": "MODULES=list\nCOMPRESS=zstd\n",
    "/etc/initramfs-tools/modules": `${INITRD_MODULES.join("\n")}\n`,
    "/etc/cloud/cloud.cfg.d/91-croft-disk.cfg": CLOUD_INIT,
    "/etc/initramfs-tools/scripts/init-top/croft": LEAVE_NETWORK,
  },
};

const kernelPackages = (architecture: "amd64" | "arm64"): readonly string[] => [`linux-image-cloud-${architecture}`];

const findRole = (name: string): Role => {
  const role = ROLES[name];
  if (role === undefined) throw new CroftError("BUG", `no image role is called ${name}`);
  return role;
};

const sortedUnique = (values: readonly string[]): readonly string[] => [...new Set(values)].toSorted();

const useOf = (input: RecipeInput, name: string, target: string): ArtifactUse => {
  const { unpack } = artifactOf(name);
  return { name, target, digest: input.digestOf(name), ...(unpack === undefined ? {} : { unpack }) };
};

export const makeRecipe = (input: RecipeInput): Recipe => {
  const names = sortedUnique(input.roles);
  const roles = [BASE, ...names.map(findRole), ...(input.kernel ? [KERNEL] : [])];
  const artifacts = roles.flatMap((role) => Object.entries(role.artifacts ?? {}));
  const after = roles.flatMap((role) => (role.after === undefined ? [] : [role.after]));
  return {
    version: RECIPE_VERSION,
    suite: "trixie",
    architecture: input.architecture,
    roles: names,
    packages: sortedUnique([...roles.flatMap((role) => role.packages), ...(input.kernel ? kernelPackages(input.architecture) : [])]),
    unstable: sortedUnique(roles.flatMap((role) => role.unstable ?? [])),
    masked: sortedUnique(roles.flatMap((role) => role.masked ?? [])),
    before: Object.assign({}, ...roles.map((role) => role.before ?? {})) as Record<string, string>,
    artifacts: artifacts.map(([name, target]) => useOf(input, name, target)),
    ...(after.length === 0 ? {} : { after: after.join("\n") }),
    kernel: input.kernel,
    update: input.update,
  };
};

export const recipeId = (recipe: Recipe): string => shortHash(JSON.stringify(recipe), 16);
