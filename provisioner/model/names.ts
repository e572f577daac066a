/** Every name and every path that croft makes is built here, from (site, environment, name) alone. */
import { createHash } from "node:crypto";
import { join } from "node:path";

export type SiteName = { readonly site: string; readonly environment: string };

/** Lower-case hex of SHA-256, cut to `length` characters. */
export const shortHash = (text: string, length: number): string => createHash("sha256").update(text).digest("hex").slice(0, length);

const siteKey = ({ site, environment }: SiteName): string => `${site}/${environment}`;

const ROOTS = { state: "/var/lib/croft", cache: "/var/cache/croft", run: "/run/croft" } as const;

/** Folders of the home host. `CROFT_ROOT` style overrides come in through `bin/`, never from here. */
export type Roots = { readonly state: string; readonly cache: string; readonly run: string };
export const DEFAULT_ROOTS: Roots = ROOTS;

export const sitePaths = (name: SiteName, roots: Roots = DEFAULT_ROOTS) => {
  const folder = join(roots.state, name.site, name.environment);
  return {
    folder,
    state: join(folder, "state.json"),
    journal: join(folder, "journal.ndjson"),
    log: join(folder, "croft.log"),
    lock: join(folder, "lock"),
    owner: join(folder, "lock.owner.json"),
    secrets: join(folder, "secrets.age"),
    identity: join(folder, "identity.age-key"),
    authority: join(folder, "authority"),
    certificates: join(folder, "certificates"),
    disks: join(folder, "disks"),
    machines: join(folder, "machines"),
    network: join(folder, "network"),
    run: join(roots.run, name.site, name.environment),
  } as const;
};

export const machinePaths = (name: SiteName, machine: string, roots: Roots = DEFAULT_ROOTS) => {
  const paths = sitePaths(name, roots);
  const folder = join(paths.machines, machine);
  const run = join(paths.run, machine);
  return {
    folder,
    vmJson: join(folder, "vm.json"),
    seed: join(folder, "seed.iso"),
    runScript: join(folder, "run"),
    networkRules: join(folder, "network.nft"),
    mark: join(folder, "owner"),
    log: join(folder, "console.log"),
    root: (imageId: string) => join(folder, `root-${imageId}.raw`),
    run,
    socket: join(run, "api.sock"),
    events: join(run, "events.json"),
    pid: join(run, "vmm.pid"),
  } as const;
};

export const diskPath = (name: SiteName, disk: string, roots: Roots = DEFAULT_ROOTS): string =>
  join(sitePaths(name, roots).disks, `${disk}.raw`);

export const cachePaths = (roots: Roots = DEFAULT_ROOTS) =>
  ({
    folder: roots.cache,
    images: join(roots.cache, "images"),
    artifacts: join(roots.cache, "artifacts"),
    packages: join(roots.cache, "packages"),
    releases: join(roots.cache, "releases"),
    builds: join(roots.cache, "builds"),
  }) as const;

/** A verified file of the artifact cache; `.json` beside it says where it came from. */
export const artifactPath = (folder: string, name: string, sha256: string): string => join(folder, `${name}-${sha256.slice(0, 16)}`);
/** Where a mirror and a bundle keep a file: by its content alone. */
export const digestPath = (sha256: string): string => `sha256/${sha256}`;
/** What a site's artifacts are pinned to; lies beside its configuration. */
export const lockPath = (siteFolder: string): string => join(siteFolder, "croft.lock");

/** Interface names hold at most 15 bytes, so they carry a hash of the whole name. */
export const bridgeName = (name: SiteName, host: string): string => `crb${shortHash(`${siteKey(name)}/bridge/${host}`, 10)}`;
export const tapName = (name: SiteName, machine: string): string => `crt${shortHash(`${siteKey(name)}/tap/${machine}`, 10)}`;
/** The stand-in's own pair, beside the tap. */
export const vethName = (tap: string): string => `crv${shortHash(tap, 10)}`;
export const tableName = (name: SiteName): string => `croft_${shortHash(siteKey(name), 10)}`;

/** Control groups and the container of one stand-in guest. */
export const guestName = (apiSocket: string): string => `croft-${shortHash(apiSocket, 12)}`;

/** A locally administered unicast MAC. */
export const macAddress = (name: SiteName, machine: string): string => {
  const hash = shortHash(`${siteKey(name)}/mac/${machine}`, 10);
  return `52:${(hash.match(/../g) ?? []).join(":")}`;
};

/** Serial numbers of virtio disks hold at most 20 bytes. */
export const diskSerial = (name: SiteName, disk: string): string => `cd-${shortHash(`${siteKey(name)}/disk/${disk}`, 16)}`;

/** A UUID-shaped file system id, so that two builds of one disk agree. */
export const diskUuid = (name: SiteName, disk: string): string => {
  const h = shortHash(`${siteKey(name)}/fs/${disk}`, 32);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
};

/** Names that systemd, nspawn and /etc/hosts see. */
export const machineId = (name: SiteName, machine: string): string => `${name.site}-${name.environment}-${machine}`;
export const internalDomain = "croft.internal";
export const machineHostname = (machine: string): string => `${machine}.${internalDomain}`;

/** `APP-WORKLOAD`: what units, folders and slots of a workload are called. */
export const workloadName = (app: string, workload: string): string => `${app}-${workload}`;

export const resourceId = (kind: string, ...parts: readonly string[]): string => [kind, ...parts].join("/");

/** A shell user's paths on a machine. */
export const onMachine = {
  generations: "/var/lib/croft/generations",
  releases: "/var/lib/croft/releases",
  slots: "/etc/croft/slots",
  secrets: "/etc/croft/secrets",
} as const;
