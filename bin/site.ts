/** A site's whole desired graph from its Model: what every domain contributes, put together. Pure. */
import { makeRecipe, recipeId } from "../images/recipe.ts";
import type { Recipe } from "../images/recipe.ts";
import { imageResource } from "../images/resource.ts";
import { diskResource } from "../provisioner/host/disk.ts";
import { networkId, networkResource } from "../provisioner/host/network.ts";
import { machineResource } from "../provisioner/hypervisor/machine-resource.ts";
import { basePart } from "../provisioner/machine/base-part.ts";
import { generationResource, makeGeneration } from "../provisioner/machine/generation.ts";
import { makeSlot } from "../provisioner/machine/slot-resource.ts";
import { assignAddresses, hostGateway, hostNetwork } from "../provisioner/model/addresses.ts";
import type {
  BuiltRelease,
  Contribution,
  DesireInput,
  Domain,
  Endpoint,
  Flow,
  GenerationPart,
  Migration,
  Program,
  Versions,
} from "../provisioner/model/contribution.ts";
import {
  bridgeName,
  diskPath,
  diskSerial,
  diskUuid,
  macAddress,
  machineHostname,
  machineId,
  machinePaths,
  internalDomain,
  shortHash,
  sitePaths,
  tableName,
  tapName,
} from "../provisioner/model/names.ts";
import type { Roots, SiteName } from "../provisioner/model/names.ts";
import { rotationIn, splitReference, turnOf } from "../provisioner/model/rotation.ts";
import type { Rotating } from "../provisioner/model/rotation.ts";
import type { Machine, Model } from "../provisioner/model/types.ts";
import type { Recorded, Resource, ResourceId } from "../provisioner/plan/resource.ts";
import { authorityResource } from "../provisioner/secrets/certificate-resource.ts";
import { secretResource } from "../provisioner/secrets/resource.ts";

/** What the host and the installation decide, found once per run. */
export type Platform = {
  readonly architecture: "amd64" | "arm64";
  /** `stand-in`, or the hypervisor's name and version. */
  readonly hypervisor: string;
  readonly program: readonly string[];
  readonly standIn: boolean;
  /** Machines boot a kernel of their own: images need one, with its initrd. */
  readonly bootable: boolean;
  /** How long a first boot may take. */
  readonly bootTimeoutMs: number;
  readonly digestOf: (artifact: string) => string;
  /** Whether a program of the catalogue can be had here: pinned, locked or imported. */
  readonly hasArtifact: (artifact: string) => boolean;
};

export type Remembered = {
  readonly siteId: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
  /** `kind/name` to how often it was rotated. */
  readonly rotations: Readonly<Record<string, number>>;
  /** Secrets with two good versions, and how far their rotation is. */
  readonly rotating?: Rotating;
  readonly imageUpdate: number;
  readonly recorded: ReadonlyMap<ResourceId, Recorded>;
};

export type SiteInput = {
  readonly model: Model;
  readonly roots: Roots;
  readonly platform: Platform;
  readonly remembered: Remembered;
  readonly domains: readonly Domain[];
  /** Domains whose endpoints depend on what is desired (ports that releases alternate between). */
  readonly lateEndpoints: (input: DesireInput) => readonly Endpoint[];
  readonly releases: Readonly<Record<string, BuiltRelease>>;
  readonly migrations: Readonly<Record<string, readonly Migration[]>>;
  readonly programs: Readonly<Record<string, Program>>;
};

export type DesiredSite = {
  readonly resources: readonly Resource[];
  readonly addresses: ReadonlyMap<string, string>;
  readonly hosts: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly flows: readonly Flow[];
};

export const SSH_SECRET = "croft/ssh";
const LOG_LIMIT = 8 * 1024 * 1024;

export const siteNameOf = (model: Model): SiteName => ({ site: model.site, environment: model.environment });

export const makeVersions = (remembered: Remembered): Versions => ({
  of: (kind, reference) => {
    const versionOf = (name: string, count: number): string => shortHash(`${remembered.siteId}/${kind}/${name}/${count}`, 12);
    if (kind === "certificate") return versionOf(reference, remembered.rotations[`${kind}/${reference}`] ?? 0);
    const { name, part } = splitReference(reference);
    const turn = turnOf(part, rotationIn(remembered, name));
    return turn === undefined ? "" : versionOf(name, turn);
  },
  rotation: (name) => rotationIn(remembered, name),
});

/** Hosts keep the index they once had: their subnet is never renumbered. */
const rememberedHosts = (model: Model, known: readonly string[]): readonly string[] => [
  ...known,
  ...model.hosts.map((host) => host.name).filter((name) => !known.includes(name)),
];

type Context = {
  readonly input: SiteInput;
  readonly name: SiteName;
  readonly versions: Versions;
  readonly hosts: readonly string[];
  readonly addresses: ReadonlyMap<string, string>;
};

const hostIndex = (context: Context, host: string): number => context.hosts.indexOf(host);
const gatewayOf = (context: Context, host: string): string => hostGateway(context.input.model.network, hostIndex(context, host));
const addressOf = (context: Context, machine: string): string => {
  const address = context.addresses.get(machine);
  if (address === undefined) throw new RangeError(`no machine is called ${machine}`);
  return address;
};

const recipeOf = (context: Context, machine: Machine): Recipe => {
  const { model, platform, domains, remembered } = context.input;
  const uses = domains.flatMap((domain) => domain.roles(model)).filter((use) => use.machine === machine.name);
  return makeRecipe({
    roles: uses.map((use) => use.role),
    architecture: platform.architecture,
    kernel: platform.bootable,
    update: remembered.imageUpdate,
    digestOf: platform.digestOf,
  });
};

const diskOf = (context: Context, machine: Machine, disk: Machine["disks"][number]): Resource => {
  const full = `${machine.name}-${disk.name}`;
  return diskResource({
    host: machine.host,
    machine: machine.name,
    name: disk.name,
    path: diskPath(context.name, full, context.input.roots),
    sizeBytes: disk.sizeBytes,
    uuid: diskUuid(context.name, `${context.input.remembered.siteId}/${full}`),
  });
};

const networkScript = (context: Context, host: string): { readonly folder: string; readonly script: string; readonly rules: string } => {
  const folder = `${sitePaths(context.name, context.input.roots).network}/${host}`;
  return { folder, script: `${folder}/up`, rules: `${folder}/rules.nft` };
};

const networksOf = (context: Context, flows: readonly Flow[]): readonly Resource[] => {
  const { model, remembered } = context.input;
  return model.hosts.map((host) => {
    const here = new Set(model.machines.filter((machine) => machine.host === host.name).map((machine) => machine.name));
    const open = flows.filter((flow) => flow.from === "public" && here.has(flow.to));
    return networkResource(
      {
        host: host.name,
        bridge: bridgeName(context.name, host.name),
        table: tableName(context.name),
        subnet: hostNetwork(model.network, hostIndex(context, host.name)),
        gateway: gatewayOf(context, host.name),
        siteId: remembered.siteId,
        published: open.map((flow) => ({ port: flow.port, address: addressOf(context, flow.to) })),
      },
      networkScript(context, host.name).rules,
    );
  });
};

const machineOf = (context: Context, machine: Machine, image: { id: string; rootFile: string; folder: string }): Resource => {
  const { input, name } = context;
  const paths = machinePaths(name, machine.name, input.roots);
  const disks = machine.disks.map((disk) => diskOf(context, machine, disk));
  return machineResource({
    host: machine.host,
    name: machine.name,
    siteId: input.remembered.siteId,
    hostname: machine.name,
    seed: {
      instanceId: shortHash(`${input.remembered.siteId}/${machine.name}/${image.id}`, 16),
      keyVersion: context.versions.of("secret", SSH_SECRET),
    },
    image: { id: image.id, rootFile: image.rootFile },
    rootDiskBytes: machine.rootDiskBytes,
    hypervisor: input.platform.hypervisor,
    config: {
      cpus: machine.cpus,
      memoryBytes: machine.memoryBytes,
      kernel: `${image.folder}/vmlinuz`,
      ...(input.platform.bootable ? { initrd: `${image.folder}/initrd` } : {}),
      root: paths.root(image.id),
      seed: paths.seed,
      disks: machine.disks.map((disk) => ({
        path: diskPath(name, `${machine.name}-${disk.name}`, input.roots),
        serial: diskSerial(name, `${machine.name}-${disk.name}`),
      })),
      tap: tapName(name, machine.name),
      mac: macAddress(name, machine.name),
      address: addressOf(context, machine.name),
      gateway: gatewayOf(context, machine.host),
      hostname: machine.name,
    },
    run: {
      program: input.platform.program,
      networkScript: networkScript(context, machine.host).script,
      bridge: bridgeName(name, machine.host),
      tap: tapName(name, machine.name),
      mark: `croft:${input.remembered.siteId}:${machineId(name, machine.name)}`,
      run: paths.run,
      socket: paths.socket,
      events: paths.events,
      pidFile: paths.pid,
      vmJson: paths.vmJson,
      log: paths.log,
      logLimitBytes: LOG_LIMIT,
    },
    needs: [networkId(machine.host), `image/${image.id}`, `secret/${SSH_SECRET}`, ...disks.map((disk) => disk.id)],
  });
};

/** Every name under which the gateway answers. */
export const publicHosts = (model: Model, endpoints: readonly Endpoint[]): readonly string[] =>
  [
    ...new Set([
      ...model.apps.flatMap((app) => app.routes.map((route) => route.host)),
      ...endpoints.flatMap(({ published }) => (published === undefined ? [] : [published.host])),
    ]),
  ].toSorted();

const siteNames = (context: Context, endpoints: readonly Endpoint[]): readonly { address: string; names: readonly string[] }[] => {
  const { model } = context.input;
  const aliases = new Map<string, string[]>(model.machines.map((machine) => [machine.name, []]));
  for (const [service, section] of Object.entries(model.services)) {
    aliases.get(section.machine)?.push(`${service}.${internalDomain}`);
  }
  const edge = model.services["gateway"]?.machine;
  const hosts = publicHosts(model, endpoints);
  if (edge !== undefined) aliases.get(edge)?.push(...hosts);
  return model.machines.map((machine) => ({
    address: addressOf(context, machine.name),
    names: [machineHostname(machine.name), machine.name, ...(aliases.get(machine.name) ?? [])],
  }));
};

const authoritySlot = (context: Context, machine: Machine): Resource =>
  makeSlot({
    machine: machine.name,
    host: machine.host,
    slot: { name: "authority", mode: "0644", owner: "root:root" },
    files: { "authority.pem": "{{authority}}" },
    versions: [context.versions.of("certificate", "authority")],
    needs: ["authority/internal"],
  });

type Whole = { readonly contributions: readonly Contribution[]; readonly flows: readonly Flow[]; readonly endpoints: readonly Endpoint[] };

const generationOf = (context: Context, machine: Machine, image: string, { contributions, flows, endpoints }: Whole): Resource => {
  const base = basePart({
    machine: machine.name,
    address: addressOf(context, machine.name),
    names: siteNames(context, endpoints),
    hostAddress: gatewayOf(context, machine.host),
    flows,
    addressOf: (name) => addressOf(context, name),
  });
  const parts: readonly GenerationPart[] = [
    base,
    ...contributions.flatMap((contribution) => contribution.parts).filter((part) => part.machine === machine.name),
  ];
  return generationResource(machine.host, makeGeneration(machine.name, parts), parts, image);
};

const contribute = (context: Context): { contributions: readonly Contribution[]; endpoints: readonly Endpoint[] } => {
  const { input, versions } = context;
  const { model } = input;
  const databases = input.domains.flatMap((domain) => domain.databases?.(model) ?? []);
  const published = input.domains.flatMap((domain) => domain.publish({ model, versions, databases }));
  const first: DesireInput = {
    model,
    versions,
    databases,
    programs: input.programs,
    endpoints: published,
    releases: input.releases,
    recorded: input.remembered.recorded,
    address: (machine) => addressOf(context, machine),
    migrations: input.migrations,
  };
  const endpoints = [...published, ...input.lateEndpoints(first)];
  return { endpoints, contributions: input.domains.map((domain) => domain.desire({ ...first, endpoints })) };
};

/** The model with what only the host decides. */
const settleModel = ({ model, domains, platform, remembered }: SiteInput): Model => {
  const facts = { hasArtifact: platform.hasArtifact, recorded: remembered.recorded };
  return domains.reduce((settled, domain) => domain.settle?.(settled, facts) ?? settled, model);
};

/** Same input, same graph; nothing is read and nothing is done. */
export const desireSite = (given: SiteInput): DesiredSite => {
  const input = { ...given, model: settleModel(given) };
  const { model, remembered, roots } = input;
  const hosts = rememberedHosts(model, remembered.hosts);
  const addresses = assignAddresses({ network: model.network, hosts, machines: model.machines, recorded: remembered.addresses });
  const context: Context = { input, name: siteNameOf(model), versions: makeVersions(remembered), hosts, addresses };
  const { contributions, endpoints } = contribute(context);
  const flows = contributions.flatMap((contribution) => contribution.flows);
  const home = model.hosts[0]?.name ?? "local";
  const images = model.machines.map((machine) => {
    const recipe = recipeOf(context, machine);
    const id = recipeId(recipe);
    const folder = `${roots.cache}/images/${id}`;
    return { machine, recipe, id, folder, rootFile: `${folder}/root.raw` };
  });
  const distinct = [...new Map(images.map((image) => [`${image.machine.host}/${image.id}`, image])).values()];
  const resources: readonly Resource[] = [
    secretResource({ name: SSH_SECRET, form: "ssh-key", versions: context.versions, host: home }),
    authorityResource(model, context.versions),
    ...networksOf(context, flows),
    ...distinct.map((image) => imageResource(image.machine.host, image.id, image.recipe)),
    ...model.machines.flatMap((machine) => machine.disks.map((disk) => diskOf(context, machine, disk))),
    ...images.map((image) => machineOf(context, image.machine, image)),
    ...model.machines.map((machine) => authoritySlot(context, machine)),
    ...contributions.flatMap((contribution) => contribution.resources),
    ...images.map(({ machine, rootFile }) => generationOf(context, machine, rootFile, { contributions, flows, endpoints })),
  ];
  return { resources, addresses, hosts, endpoints, flows };
};
