/** From a folder to a desired site: configuration, memory, builds, platform. What every verb begins with. */
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import { renderProblems } from "../provisioner/config/diagnostics.ts";
import { checkFolders } from "../provisioner/config/folders.ts";
import { parseConfig } from "../provisioner/config/parse.ts";
import type { Problem } from "../provisioner/config/problem.ts";
import { readConfig } from "../provisioner/config/read.ts";
import type { Place } from "../provisioner/config/text.ts";
import type { ConfigFile } from "../provisioner/config/read.ts";
import { sourceText } from "../provisioner/config/bytes.ts";
import { CroftError, EXIT } from "../provisioner/errors.ts";
import { listCertificates, readAuthorityBundle } from "../nginx/certificates/readers.ts";
import { hostSize } from "../provisioner/host/bootstrap.ts";
import { namesResource } from "../provisioner/host/names-file.ts";
import { DEFAULT_ROOTS, cachePaths, sitePaths } from "../provisioner/model/names.ts";
import type { BuiltRelease } from "../provisioner/model/contribution.ts";
import type { Roots } from "../provisioner/model/names.ts";
import type { Model } from "../provisioner/model/types.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import { keepRotations } from "../provisioner/model/rotation.ts";
import { secretId } from "../provisioner/secrets/resource.ts";
import { makeFileStore } from "../provisioner/state/file-store.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { State, StateStore } from "../provisioner/state/store.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { buildReleases, nameReleases, readMigrations } from "../stacks/app/build.ts";
import { readKnownState } from "./known-state.ts";
import type { Io } from "./main.ts";
import { readLock } from "./lock.ts";
import { findArtifactTools, findPlatform } from "./platform.ts";
import { desireSite, makeVersions, publicHosts, siteNameOf } from "./site.ts";
import type { DesiredSite, Platform, Remembered } from "./site.ts";
import { readPrograms } from "./programs.ts";
import { DOMAINS, lateEndpoints, makeWorld, SERVICE_SCHEMAS } from "./world.ts";
import type { World } from "./world.ts";

export type LoadInput = {
  readonly site: string;
  readonly environment: string | undefined;
  readonly io: Io;
  /** Told what is being built, in words. */
  readonly onBuild?: (text: string) => void;
  /** False: sources are not built; the desired site has no releases (destroy, vm). */
  readonly build?: boolean;
  /** True: nothing is built, fetched or written, and root is not needed; what no build is known of is named by its source. */
  readonly readOnly?: boolean;
};

export type Loaded = ReadSite & {
  readonly roots: Roots;
  readonly paths: ReturnType<typeof sitePaths>;
  readonly store: StateStore;
  readonly state: State;
  readonly desired: DesiredSite;
  readonly platform: Platform;
  readonly artifacts: ArtifactTools;
  readonly releases: Readonly<Record<string, BuiltRelease>>;
  /** Desires and composes anew from another state: what a run does once it holds the lock. */
  readonly from: (state: State) => { readonly desired: DesiredSite; readonly state: State };
  readonly openWorld: (state: State, desired: DesiredSite) => World;
  readonly authority: () => Promise<string>;
  readonly hosts: () => Promise<Readonly<Record<string, Awaited<ReturnType<typeof hostSize>>>>>;
};

/** An error whose text is already whole. */
export class ConfigProblems extends Error {
  readonly exitCode = EXIT.invalid;
  readonly json: string;
  constructor(text: string, json: string) {
    super(text);
    this.json = json;
  }
}

export const rootsFrom = (environment: Io["environment"]): Roots => {
  const root = environment["CROFT_ROOT"];
  if (root === undefined) return DEFAULT_ROOTS;
  return { state: join(root, "state"), cache: environment["CROFT_CACHE"] ?? DEFAULT_ROOTS.cache, run: join(root, "run") };
};

export const CONFIG_NAMES = ["croft.yaml", "croft.yml", "croft.json"] as const;

/** SITE is a folder or a file. */
export const findConfig = (site: string, folder: string): string => {
  const path = resolve(folder, site);
  if (!existsSync(path)) throw new CroftError("CONFIG_INVALID", `${site} does not exist`, { hint: "croft init" });
  if (!statSync(path).isDirectory()) return path;
  const name = CONFIG_NAMES.find((candidate) => existsSync(join(path, candidate)));
  if (name === undefined) throw new CroftError("CONFIG_INVALID", `there is no croft.yaml in ${site}`, { hint: "`croft init` writes one" });
  return join(path, name);
};

const shownName = (path: string, io: Io): string => {
  const base = `${io.folder}/`;
  return path.startsWith(base) ? path.slice(base.length) : path;
};

const problemsError = (problems: readonly Problem[], file: ConfigFile, io: Io): ConfigProblems => {
  const sources = { [file.file]: sourceText(file.bytes) };
  return new ConfigProblems(renderProblems(problems, sources, { color: io.color }), renderProblems(problems, sources, { json: true }));
};

const variablesOf = (environment: Io["environment"]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

type ReadSite = {
  readonly model: Model;
  /** Where the file says something, as `croft.yaml:7`. */
  readonly placeOf: (path: readonly (string | number)[]) => string;
  readonly locate: (path: readonly (string | number)[]) => Place;
  /** What the file's reader has to say without refusing it. */
  readonly warnings: readonly Problem[];
  /** Problems with the lines they are about. */
  readonly explain: (problems: readonly Problem[]) => ConfigProblems;
};

/** @throws ConfigProblems with every problem at once. */
const readSite = async (site: string, environment: string | undefined, io: Io): Promise<ReadSite> => {
  const path = findConfig(site, io.folder);
  const read = await readConfig(path);
  const file: ConfigFile = { ...read, file: shownName(path, io) };
  const result = parseConfig({
    ...file,
    services: SERVICE_SCHEMAS,
    variables: variablesOf(io.environment),
    ...(environment === undefined ? {} : { environment }),
  });
  if (!result.ok) throw problemsError(result.problems, file, io);
  const missing = checkFolders(result.model, result.locate, existsSync);
  if (missing.length > 0) throw problemsError(missing, file, io);
  const { model, locate, warnings } = result;
  const placeOf: ReadSite["placeOf"] = (at) => `${locate(at).file}:${locate(at).line}`;
  return { model, placeOf, locate, warnings, explain: (problems) => problemsError(problems, file, io) };
};

/** @throws ConfigProblems with every problem at once. */
export const readModel = async (site: string, environment: string | undefined, io: Io): Promise<Model> =>
  (await readSite(site, environment, io)).model;

const rememberedFrom = (state: State): Remembered => ({
  siteId: state.siteId,
  addresses: state.addresses,
  hosts: state.hosts,
  rotations: state.rotations,
  ...(state.rotating === undefined ? {} : { rotating: state.rotating }),
  imageUpdate: state.imageUpdate,
  recorded: new Map(state.resources.map((record) => [record.id, record])),
});

/** The site's public names with the gateway's address, for /etc/hosts. */
export const publicNames = (
  model: Model,
  desired: DesiredSite,
): { readonly address: string; readonly names: readonly string[] } | undefined => {
  const edge = model.services["gateway"]?.machine;
  const address = edge === undefined ? undefined : desired.addresses.get(edge);
  const names = publicHosts(model, desired.endpoints);
  return address === undefined || names.length === 0 ? undefined : { address, names };
};

const namesResources = (model: Model, desired: DesiredSite, state: State): readonly Resource[] => {
  const found = publicNames(model, desired);
  const home = model.hosts[0]?.name ?? "local";
  return state.extra["writeHosts"] === true && found !== undefined ? [namesResource(home, found.address, found.names)] : [];
};

/** Certificates in the last third of their life get a new version; the count is written with the run's state. */
const withRenewals = (state: State, due: readonly string[]): State => {
  const counted = due.map((name) => [`certificate/${name}`, (state.rotations[`certificate/${name}`] ?? 0) + 1] as const);
  return { ...state, rotations: { ...state.rotations, ...Object.fromEntries(counted) } };
};

/** A secret that went, with its app or with the site, has no rotation to finish: made again, it has one value. */
const withoutLost = (state: State): State => {
  const known = new Set(state.resources.map(({ id }) => id));
  return keepRotations(state, (name) => known.has(secretId(name)));
};

export const loadSite = async (input: LoadInput): Promise<Loaded> => {
  const { io, readOnly = false } = input;
  const roots = rootsFrom(io.environment);
  const read = await readSite(input.site, input.environment, io);
  const { model } = read;
  const paths = sitePaths(siteNameOf(model), roots);
  const store = makeFileStore(paths.state);
  const state = withoutLost(
    readOnly ? await readKnownState(store, io) : ((await store.read()) ?? emptyState(randomBytes(16).toString("hex"))),
  );
  const artifacts = await findArtifactTools(roots, io.environment, await readLock(model.folder));
  const platform = await findPlatform(artifacts, io.environment, !readOnly);
  const tools = { shell: makeLocalShell(), cache: cachePaths(roots), onBuild: input.onBuild ?? (() => {}) };
  const releases = input.build === false ? {} : readOnly ? await nameReleases(tools, model) : await buildReleases(tools, model);
  const migrations = input.build === false ? {} : await readMigrations(model);
  const programs = await readPrograms();
  const due = (await listCertificates(paths, new Date())).filter((certificate) => certificate.due).map(({ name }) => name);
  const from = (stored: State): { desired: DesiredSite; state: State } => {
    const now = withRenewals(withoutLost(stored), due);
    const desired = desireSite({
      model,
      roots,
      platform,
      remembered: rememberedFrom(now),
      domains: DOMAINS,
      lateEndpoints,
      releases,
      migrations,
      programs,
    });
    const addresses = { ...now.addresses, ...Object.fromEntries(desired.addresses) };
    const resources = [...desired.resources, ...namesResources(model, desired, now)];
    return { desired: { ...desired, resources }, state: { ...now, addresses, hosts: desired.hosts } };
  };
  const first = from(state);
  return {
    ...read,
    roots,
    paths,
    store,
    platform,
    artifacts,
    releases,
    state,
    desired: first.desired,
    from,
    openWorld: (now, desired) =>
      makeWorld({
        model,
        roots,
        siteId: now.siteId,
        versions: makeVersions(rememberedFrom(now)),
        addresses: desired.addresses,
        artifacts,
        bootTimeoutMs: platform.bootTimeoutMs,
        variable: (name) => io.environment[name],
      }),
    authority: () => readAuthorityBundle(paths),
    hosts: async () => {
      const size = await hostSize(roots.state);
      return Object.fromEntries(model.hosts.map((host) => [host.name, size]));
    },
  };
};
