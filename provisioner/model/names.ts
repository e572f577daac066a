/** Every name and every path that croft makes is built here, from (site, environment, name) alone. */
import { hash } from "node:crypto";
import { join } from "node:path";
import { safePart } from "./safe.ts";

export type SiteName = { readonly site: string; readonly environment: string };

/** Lower-case hex of SHA-256, cut to `length` characters. */
export const shortHash = (text: string, length: number): string => hash("sha256", text).slice(0, length);

const siteKey = ({ site, environment }: SiteName): string => `${site}/${environment}`;

const ROOTS = { state: "/var/lib/croft", cache: "/var/cache/croft", run: "/run/croft" } as const;

/** Folders of the home host. `CROFT_ROOT` style overrides come in through `bin/`, never from here. */
export type Roots = { readonly state: string; readonly cache: string; readonly run: string };
export const DEFAULT_ROOTS: Roots = ROOTS;

/** What belongs to the host and to no site stays at one place, whatever the root of a site is. */
export const FORWARDING_FOLDER = join(ROOTS.state, ".host", "forwarding");

export const sitePaths = (name: SiteName, roots: Roots = DEFAULT_ROOTS) => {
  const folder = join(roots.state, safePart(name.site), safePart(name.environment));
  return {
    folder,
    state: `${folder}/state.json`,
    journal: `${folder}/journal.ndjson`,
    log: `${folder}/croft.log`,
    lock: `${folder}/lock`,
    owner: `${folder}/lock.owner.json`,
    secrets: `${folder}/secrets.age`,
    identity: `${folder}/identity.age-key`,
    authority: `${folder}/authority`,
    certificates: `${folder}/certificates`,
    disks: `${folder}/disks`,
    machines: `${folder}/machines`,
    network: `${folder}/network`,
    run: join(roots.run, name.site, name.environment),
  } as const;
};

export const machinePaths = (name: SiteName, machine: string, roots: Roots = DEFAULT_ROOTS) => {
  const paths = sitePaths(name, roots);
  const folder = `${paths.machines}/${safePart(machine)}`;
  const run = `${paths.run}/${machine}`;
  return {
    folder,
    vmJson: `${folder}/vm.json`,
    seed: `${folder}/seed.iso`,
    runScript: `${folder}/run`,
    networkRules: `${folder}/network.nft`,
    mark: `${folder}/owner`,
    log: `${folder}/console.log`,
    root: (imageId: string) => `${folder}/root-${safePart(imageId)}.raw`,
    run,
    socket: `${run}/api.sock`,
    events: `${run}/events.json`,
    pid: `${run}/vmm.pid`,
  } as const;
};

export const diskPath = (name: SiteName, disk: string, roots: Roots = DEFAULT_ROOTS): string =>
  `${sitePaths(name, roots).disks}/${safePart(disk)}.raw`;

export const cachePaths = (roots: Roots = DEFAULT_ROOTS) =>
  ({
    folder: roots.cache,
    images: join(roots.cache, "images"),
    artifacts: join(roots.cache, "artifacts"),
    packages: join(roots.cache, "packages"),
    releases: join(roots.cache, "releases"),
    builds: join(roots.cache, "builds"),
  }) as const;

/** On a host that another computer drives: what was sent there, and the verbs that run there. */
export const remotePaths = (roots: Roots = DEFAULT_ROOTS) => {
  const jobs = join(roots.state, ".jobs");
  return { ship: join(roots.cache, "ship"), jobs, job: (id: string) => join(jobs, id) } as const;
};
export const jobUnitName = (id: string): string => `croft-job-${id}.service`;

/** In a user's own configuration folder: the hosts whose keys were trusted. */
export const knownHostsPath = (configuration: string): string => join(configuration, "croft", "known_hosts");

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
export const machineId = (name: SiteName, machine: string): string =>
  `${safePart(name.site)}-${safePart(name.environment)}-${safePart(machine)}`;
export const internalDomain = "croft.internal";
export const machineHostname = (machine: string): string => `${safePart(machine)}.${internalDomain}`;

/** `APP-WORKLOAD`: what units, folders and slots of a workload are called. */
export const workloadName = (app: string, workload: string): string => `${safePart(app)}-${safePart(workload)}`;

export const resourceId = (kind: string, ...parts: readonly string[]): string => [kind, ...parts].join("/");

/** A shell user's paths on a machine. */
export const onMachine = {
  generations: "/var/lib/croft/generations",
  releases: "/var/lib/croft/releases",
  slots: "/etc/croft/slots",
  secrets: "/etc/croft/secrets",
} as const;
