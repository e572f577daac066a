/** PostgreSQL as resources: the service on its machine, a database with three roles per app. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import { makeSlot } from "../../provisioner/machine/slot-resource.ts";
import type { Contribution, DatabaseDemand, DesireInput, Domain, Versions } from "../../provisioner/model/contribution.ts";
import { diskSerial, internalDomain, machineHostname, resourceId } from "../../provisioner/model/names.ts";
import { seatsOf } from "../../provisioner/model/rotation.ts";
import type { Machine, Model } from "../../provisioner/model/types.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { certificateId, certificateResource, certificateVersion } from "../../provisioner/secrets/certificate-resource.ts";
import { secretId, secretResource } from "../../provisioner/secrets/resource.ts";
import { endpointOf } from "./endpoints.ts";
import {
  CERTIFICATE,
  CERTIFICATE_SLOT,
  PORT,
  ROLES,
  UNIT,
  databaseId,
  grantsId,
  loginName,
  migrationsId,
  roleId,
  roleName,
  secretName,
} from "./names.ts";
import type { RoleName } from "./names.ts";
import { partOf } from "./part.ts";
import type { Section } from "./part.ts";
import type { PostgresInput } from "./render.ts";

const DEFAULT_VERSION = 17;

const sectionOf = (model: Model): Section | undefined => {
  const section = model.services["postgres"];
  if (section === undefined) return undefined;
  return { machine: section.machine, disk: String(section["disk"]), version: Number(section["version"] ?? DEFAULT_VERSION) };
};

const machineOf = (model: Model, section: Section): Machine => {
  const found = model.machines.find(({ name }) => name === section.machine);
  if (found === undefined) throw new CroftError("BUG", `no machine is called ${section.machine}`);
  return found;
};

const homeOf = (model: Model): string => model.hosts[0]?.name ?? "local";

const serviceResources = (input: DesireInput, section: Section, machine: Machine): readonly Resource[] => {
  const certificate = {
    name: CERTIFICATE,
    names: [machineHostname(section.machine), `postgres.${internalDomain}`],
    versions: input.versions,
    host: homeOf(input.model),
  };
  return [
    certificateResource(certificate),
    makeSlot({
      machine: section.machine,
      host: machine.host,
      slot: { name: CERTIFICATE_SLOT, mode: "0640", owner: "root:postgres", onChange: { unit: UNIT, action: "reload" } },
      files: { "chain.pem": `{{certificate ${CERTIFICATE} chain}}`, "key.pem": `{{certificate ${CERTIFICATE} key}}` },
      versions: [certificateVersion(certificate)],
      needs: [certificateId(CERTIFICATE)],
    }),
  ];
};

type DatabasePlace = {
  readonly input: DesireInput;
  readonly section: Section;
  readonly machine: Machine;
  readonly demand: DatabaseDemand;
  readonly database: string;
};

/** What all resources inside the server share: they live on its disk and are seen through its machine. */
const inside = ({ section, machine }: DatabasePlace) => {
  const disk = resourceId("disk", `${section.machine}-${section.disk}`);
  return { host: machine.host, lostWith: [disk], keptWith: [disk] };
};

/** Can do nothing but what it is granted. */
const PLAIN_LOGIN = {
  superuser: false,
  createDatabase: false,
  createRole: false,
  replication: false,
  bypassRowSecurity: false,
  memberOf: [],
  members: [],
} as const;

/** What a role's password is where nobody may log in with one. */
const NO_PASSWORD = "none";

const generation = ({ section }: DatabasePlace): string => resourceId("generation", section.machine);

const roleSecret = ({ demand, input, ...place }: DatabasePlace, versions: Versions, role: RoleName): Resource => ({
  ...secretResource({
    name: secretName(demand.owner, role),
    form: "password",
    versions,
    host: homeOf(input.model),
    // A service that keeps its data here restarts for a new password: apps alone are rotated.
    ...(input.model.apps.some(({ name }) => name === demand.owner)
      ? { rotates: { kind: "database" as const, app: demand.owner, part: role } }
      : {}),
  }),
  keptWith: inside({ demand, input, ...place }).keptWith,
});

/**
 * The role that owns or is granted everything, and while its password is a twin's turn a second login that acts as it. Who has no
 * turn has no login.
 */
const roleResources = (place: DatabasePlace, versions: Versions): readonly Resource[] => {
  const { section, demand, database } = place;
  return ROLES.flatMap((role): readonly Resource[] => {
    const secret = secretName(demand.owner, role);
    const seats = seatsOf(versions, secret);
    const home = loginName(database, role, "home");
    const twin = loginName(database, role, "twin");
    const common = { ...inside(place), kind: "postgres-role" };
    const password = (reference: string | undefined) => ({
      login: reference !== undefined,
      password: reference === undefined ? NO_PASSWORD : versions.of("secret", reference),
    });
    const twins: readonly Resource[] =
      seats.twin === undefined
        ? []
        : [
            {
              ...common,
              id: roleId(database, role, "twin"),
              spec: { machine: section.machine, name: twin, ...PLAIN_LOGIN, ...password(seats.twin), actsAs: home },
              payload: { secret: seats.twin },
              needs: [generation(place), secretId(secret)],
            },
          ];
    return [
      roleSecret(place, versions, role),
      ...twins,
      {
        ...common,
        id: roleId(database, role),
        spec: {
          machine: section.machine,
          name: home,
          ...PLAIN_LOGIN,
          ...password(seats.home),
          members: twins.length === 0 ? [] : [twin],
          actsAs: "",
        },
        payload: { secret: seats.home },
        needs: [generation(place), secretId(secret), ...twins.map(({ id }) => id)],
      },
    ];
  });
};

const databaseResources = (place: DatabasePlace): readonly Resource[] => {
  const { section, database } = place;
  const names = { owner: roleName(database, "owner"), rw: roleName(database, "rw"), ro: roleName(database, "ro") };
  return [
    {
      ...inside(place),
      id: databaseId(database),
      kind: "postgres-database",
      spec: { machine: section.machine, name: database, owner: names.owner, encoding: "UTF8" },
      // All three: a role cannot be dropped while its database still names it in a privilege.
      needs: ROLES.map((role) => roleId(database, role)),
      data: true,
    },
    {
      ...inside(place),
      id: grantsId(database),
      kind: "postgres-grants",
      spec: { machine: section.machine, database, ...names, ...wantedGrants(names) },
      needs: [databaseId(database), ...ROLES.map((role) => roleId(database, role))],
      lostWith: [...inside(place).lostWith, databaseId(database)],
    },
  ];
};

/** Privileges in PostgreSQL's own letters, as its catalogue shows them: grantee to letters. */
const wantedGrants = (names: Readonly<Record<RoleName, string>>) => ({
  connect: { [names.owner]: "CTc", [names.ro]: "c", [names.rw]: "c" },
  schema: { [names.owner]: "UC", [names.ro]: "U", [names.rw]: "U" },
  tables: { [names.ro]: "r", [names.rw]: "arwd" },
  sequences: { [names.ro]: "r", [names.rw]: "rwU" },
  functions: { [names.ro]: "X", [names.rw]: "X" },
});

const migrationResource = (place: DatabasePlace): readonly Resource[] => {
  const { input, section, demand, database } = place;
  const migrations = input.migrations[demand.owner] ?? [];
  if (demand.migrations === undefined) return [];
  return [
    {
      ...inside(place),
      id: migrationsId(demand.owner),
      kind: "migrations",
      spec: {
        machine: section.machine,
        database,
        owner: roleName(database, "owner"),
        readers: { [roleName(database, "ro")]: "r", [roleName(database, "rw")]: "r" },
        applied: Object.fromEntries(migrations.map(({ name, sha256 }) => [name, sha256.slice(0, 16)])),
      },
      payload: { migrations },
      needs: [grantsId(database)],
      lostWith: [...inside(place).lostWith, databaseId(database)],
    },
  ];
};

const desire = (input: DesireInput): Contribution => {
  const section = sectionOf(input.model);
  if (section === undefined) return { parts: [], flows: [], resources: [] };
  const machine = machineOf(input.model, section);
  const settings: PostgresInput = {
    version: section.version,
    memoryBytes: machine.memoryBytes,
    address: input.address(section.machine),
    network: input.model.network,
    device: `/dev/disk/by-id/virtio-${diskSerial({ site: input.model.site, environment: input.model.environment }, `${section.machine}-${section.disk}`)}`,
  };
  const places = input.databases.map((demand): DatabasePlace => ({ input, section, machine, demand, database: demand.name }));
  return {
    parts: [partOf(section, settings)],
    flows: [],
    resources: [
      ...serviceResources(input, section, machine),
      ...places.flatMap((place) => [...roleResources(place, input.versions), ...databaseResources(place), ...migrationResource(place)]),
    ],
  };
};

export const postgresDomain: Domain = {
  name: "postgres",
  ports: [PORT],
  leastMemoryBytes: 128 * 1024 ** 2,
  schema: {
    type: "object",
    description: "PostgreSQL on one machine, its data on one of the machine's disks.",
    required: ["disk"],
    properties: {
      disk: {
        type: "string",
        format: "disk-name",
        description: "The data disk of the machine that holds the databases.",
        examples: ["postgres"],
      },
      version: {
        type: "integer",
        enum: [DEFAULT_VERSION],
        default: DEFAULT_VERSION,
        description: "Major version.",
        examples: [DEFAULT_VERSION],
      },
    },
  },
  roles: (model) => {
    const section = sectionOf(model);
    return section === undefined ? [] : [{ machine: section.machine, role: "postgres" }];
  },
  publish: ({ model, databases, versions }) => {
    const section = sectionOf(model);
    if (section === undefined) return [];
    return databases.flatMap((demand) => ROLES.map((role) => endpointOf(demand, section.machine, role, versions)));
  },
  desire,
};
