/** The registry: the only place where domains and effects are put together. One line per service. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ImageTools } from "../images/build.ts";
import { makeImageDriver } from "../images/driver.ts";
import { authorityDriver, certificateDriver } from "../nginx/certificates/driver.ts";
import { makeRsaPair } from "../nginx/certificates/keys.ts";
import { readAuthorityBundle, readCertificate } from "../nginx/certificates/readers.ts";
import { gatewayDomain } from "../nginx/resources.ts";
import { ensureArtifact } from "../provisioner/artifacts/fetch.ts";
import type { ArtifactTools } from "../provisioner/artifacts/fetch.ts";
import type { ServiceSchema } from "../provisioner/config/schema.ts";
import type { Driver } from "../provisioner/execute/driver.ts";
import { makeDiskDriver } from "../provisioner/host/disk.ts";
import { FORWARDING_SWITCH } from "../provisioner/host/forwarding.ts";
import { makeNetworkDriver } from "../provisioner/host/network-driver.ts";
import { makeHostsDriver } from "../provisioner/host/names-file.ts";
import { makeLauncher } from "../provisioner/hypervisor/launcher.ts";
import { makeActionDriver } from "../provisioner/hypervisor/machine-actions.ts";
import type { MachineAction } from "../provisioner/hypervisor/machine-actions.ts";
import { hostKeyFile, makeMachineDriver } from "../provisioner/hypervisor/machine-driver.ts";
import { findProcess } from "../provisioner/hypervisor/process.ts";
import { makeConnections } from "../provisioner/machine/connections.ts";
import type { Connections } from "../provisioner/machine/connections.ts";
import { makeGenerationDriver } from "../provisioner/machine/generation-driver.ts";
import { makeSlotDriver } from "../provisioner/machine/slot-driver.ts";
import { probedOperations } from "../provisioner/machine/health.ts";
import type { DesireInput, Domain, Endpoint, Operations, Template, Versions } from "../provisioner/model/contribution.ts";
import { FORWARDING_FOLDER, cachePaths, machinePaths, sitePaths } from "../provisioner/model/names.ts";
import type { Roots, SiteName } from "../provisioner/model/names.ts";
import { splitReference } from "../provisioner/model/rotation.ts";
import type { Model } from "../provisioner/model/types.ts";
import { secretDriver, readPublicKey } from "../provisioner/secrets/driver.ts";
import { resolveTemplate } from "../provisioner/secrets/resolve.ts";
import { openSecretStore } from "../provisioner/secrets/store.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import type { Shell } from "../provisioner/transport/shell.ts";
import { sh } from "../provisioner/transport/sh.ts";
import { must } from "../provisioner/transport/shell.ts";
import { makeKeyPair } from "../provisioner/transport/ssh.ts";
import { appDomain, workloadEndpoints } from "../stacks/app/resources.ts";
import { makeReleaseDrivers } from "../stacks/app/driver.ts";
import { makeObjectDrivers } from "../stacks/objects/driver.ts";
import { objectsDomain } from "../stacks/objects/resources.ts";
import { makeIdentity } from "../stacks/identity/driver.ts";
import type { Invitation, Invited } from "../stacks/identity/invite.ts";
import { identityDomain } from "../stacks/identity/resources.ts";
import { makePostgresDrivers } from "../stacks/postgres/driver.ts";
import { postgresDomain } from "../stacks/postgres/resources.ts";
import { SSH_SECRET, siteNameOf } from "./site.ts";

/** Every service and domain: adding one means one folder and one line here and one among the drivers below. */
export const DOMAINS: readonly Domain[] = [postgresDomain, objectsDomain, identityDomain, appDomain, gatewayDomain];

/** What an operator does with each service. */
export const OPERATIONS: Readonly<Record<string, Operations<Shell>>> = {
  postgres: probedOperations,
  objects: probedOperations,
  identity: probedOperations,
  gateway: probedOperations,
};

/** Endpoints that depend on what is desired: ports that releases alternate between. */
export const lateEndpoints = (input: DesireInput): readonly Endpoint[] => workloadEndpoints(input);

/** Sections under `services`, for the configuration's schema; one array, since the compiled schema is kept by its identity. */
export const SERVICE_SCHEMAS: readonly ServiceSchema[] = DOMAINS.filter(({ schema }) => schema !== undefined);

export type WorldInput = {
  readonly model: Model;
  readonly roots: Roots;
  readonly siteId: string;
  readonly versions: Versions;
  readonly addresses: ReadonlyMap<string, string>;
  readonly bootTimeoutMs: number;
  readonly artifacts: ArtifactTools;
  /** A variable of croft's environment, where a section of the configuration names one. */
  readonly variable: (name: string) => string | undefined;
};

export type World = {
  readonly drivers: ReadonlyMap<string, Driver>;
  /** The drivers, with a machine's replaced by one that does only this. */
  readonly acting: (action: MachineAction) => ReadonlyMap<string, Driver>;
  readonly connections: Connections;
  readonly shell: Shell;
  /** The text behind a secret's name. */
  readonly secret: (name: string) => Promise<string>;
  /** Somebody new in a realm of the identity service. */
  readonly invite: (invitation: Invitation) => Promise<Invited>;
  readonly close: () => Promise<void>;
};

const siteKeyOf = (name: SiteName): string => `${name.site}/${name.environment}`;

const makeReaders = (input: WorldInput, name: SiteName) => {
  const paths = sitePaths(name, input.roots);
  const store = openSecretStore({ folder: paths.folder, secrets: paths.secrets, identity: paths.identity }, input.model.operator);
  const secret = async (reference: string) => {
    const found = await store.get(splitReference(reference).name, input.versions.of("secret", reference));
    if (found === undefined) throw new Error(`the secret ${reference} is not there`);
    return found;
  };
  const readers = {
    secret,
    certificate: (certificate: string, part: "chain" | "key") => readCertificate(paths, certificate, part),
    authority: () => readAuthorityBundle(paths),
  };
  const resolve = async (template: Template): Promise<string> => (await resolveTemplate(template, readers)).reveal();
  /** Every version that is kept, the wanted one first. */
  const secrets = async (reference: string): Promise<readonly string[]> => {
    const secretName = splitReference(reference).name;
    const wanted = input.versions.of("secret", reference);
    const others = (await store.versions(secretName)).filter((version) => version !== wanted);
    const found = await Promise.all([wanted, ...others].map((version) => store.get(secretName, version)));
    return found.flatMap((value) => (value === undefined ? [] : [value.reveal()]));
  };
  return { store, secret, secrets, resolve };
};

export const makeWorld = (input: WorldInput): World => {
  const name = siteNameOf(input.model);
  const paths = sitePaths(name, input.roots);
  const cache = cachePaths(input.roots);
  const shell = makeLocalShell();
  const { store, secret, secrets, resolve } = makeReaders(input, name);
  const pathsOf = (machine: string) => machinePaths(name, machine, input.roots);
  const connections = makeConnections({
    address: (machine) => input.addresses.get(machine),
    hostKeyFile: (machine) => hostKeyFile(pathsOf(machine)),
    privateKey: async () => (await secret(SSH_SECRET)).reveal(),
    isRunning: async (machine) => {
      const paths = pathsOf(machine);
      return (
        (await findProcess(paths.pid)) !== undefined && (await makeLauncher({ shell, siteKey: siteKeyOf(name) }).info(paths)) !== "Paused"
      );
    },
  });
  const connect = async (machine: string, keys: readonly string[]): Promise<void> => {
    const once = await connections.fresh(machine, keys);
    await must(once, "saying hello", sh`true`, { timeoutMs: 10_000 }).finally(() => once.close());
  };
  const artifactFile: ImageTools["artifactFile"] = (artifact, report) => ensureArtifact(input.artifacts, artifact, report);
  const certificateTools = {
    site: input.model.site,
    paths,
    operator: input.model.operator,
    now: () => new Date(),
    random: randomBytes,
    makeRsaPair,
  };
  const machineTools = {
    shell,
    siteId: input.siteId,
    siteKey: siteKeyOf(name),
    paths: pathsOf,
    publicKey: () => readPublicKey(store, SSH_SECRET, input.versions.of("secret", SSH_SECRET)),
    connect,
    disconnect: connections.forget,
    bootTimeoutMs: input.bootTimeoutMs,
  };
  const inServices = { connect: connections.open, secret: async (secretName: string) => (await secret(secretName)).reveal() };
  const identity = makeIdentity({ connect: connections.open, secrets, variable: input.variable });
  const all: readonly Driver[] = [
    makeImageDriver({ shell, folder: cache.images, artifactFile }),
    makeNetworkDriver({
      shell,
      siteId: input.siteId,
      folder: (host) => join(paths.network, host),
      forwarding: { folder: FORWARDING_FOLDER, switchFile: FORWARDING_SWITCH },
    }),
    makeDiskDriver(shell),
    makeHostsDriver(input.siteId),
    secretDriver({ store, random: randomBytes, makeKeyPair, now: () => new Date() }),
    authorityDriver(certificateTools),
    certificateDriver(certificateTools),
    makeMachineDriver(machineTools),
    makeGenerationDriver({ connections, host: shell }),
    makeSlotDriver({ connections, resolve }),
    ...makePostgresDrivers(inServices),
    ...makeObjectDrivers(inServices),
    ...identity.drivers,
    ...makeReleaseDrivers({ connect: connections.open, resolve }),
  ];
  const drivers = new Map(all.map((driver) => [driver.kind, driver]));
  return {
    drivers,
    acting: (action) => new Map(drivers).set("machine", makeActionDriver(machineTools, action)),
    connections,
    shell,
    secret: inServices.secret,
    invite: identity.invite,
    close: async () => {
      await connections.closeAll();
      await shell.close();
    },
  };
};
