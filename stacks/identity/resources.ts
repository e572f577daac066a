/** Keycloak as resources: the service on its machine, then realms, roles, clients, providers and people. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import { makeSlot } from "../../provisioner/machine/slot-resource.ts";
import { emptyContribution } from "../../provisioner/model/contribution.ts";
import type { Contribution, DesireInput, Domain, Endpoint } from "../../provisioner/model/contribution.ts";
import type { Machine, Model } from "../../provisioner/model/types.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { secretId } from "../../provisioner/secrets/resource.ts";
import { oidcEndpoints, serviceEndpoint } from "./endpoints.ts";
import { ADMIN_CLIENT, ADMIN_SECRET, DATABASE, LEAST_MEMORY_BYTES, MANAGEMENT_PORT, PORT, RECOVERY_PORT, SERVICE } from "./names.ts";
import { partOf, slotEntry } from "./part.ts";
import { insideResources } from "./inside.ts";
import { SCHEMA, sectionOf } from "./section.ts";
import type { Section } from "./section.ts";

const machineOf = (model: Model, section: Section): Machine => {
  const found = model.machines.find(({ name }) => name === section.machine);
  if (found === undefined) throw new CroftError("BUG", `no machine is called ${section.machine}`);
  return found;
};

/** Its database, as owner: Keycloak makes and changes its tables by itself. */
const databaseOf = (endpoints: readonly Endpoint[]): Endpoint => {
  const found = endpoints.find(({ app, name }) => app === SERVICE && name === "database.owner");
  if (found !== undefined) return found;
  throw new CroftError("CONFIG_INVALID", "service identity keeps its data in the postgres service, which the site does not have", {
    hint: "add `postgres` under `services`",
  });
};

const needGateway = (model: Model): string => {
  const machine = model.services["gateway"]?.machine;
  if (machine !== undefined) return machine;
  throw new CroftError("CONFIG_INVALID", "service identity is reached through the gateway, which the site does not have", {
    hint: "add `gateway` under `services`",
  });
};

/** Keycloak takes the first administrator from its environment where its database is new, and never again. */
const environment = (database: Endpoint): string =>
  [
    `KC_DB_PASSWORD=${database.properties["password"] ?? ""}`,
    `KC_BOOTSTRAP_ADMIN_CLIENT_ID=${ADMIN_CLIENT}`,
    `KC_BOOTSTRAP_ADMIN_CLIENT_SECRET={{secret ${ADMIN_SECRET}}}`,
    "",
  ].join("\n");

const slotOf = (input: DesireInput, machine: Machine, database: Endpoint): Resource => {
  const secrets = [ADMIN_SECRET, ...database.secrets];
  return makeSlot({
    machine: machine.name,
    host: machine.host,
    slot: slotEntry,
    files: { environment: environment(database) },
    versions: secrets.map((name) => input.versions.of("secret", name)),
    needs: secrets.map(secretId),
  });
};

const desire = (input: DesireInput): Contribution => {
  const section = sectionOf(input.model);
  if (section === undefined) return emptyContribution;
  const machine = machineOf(input.model, section);
  const database = databaseOf(input.endpoints);
  const { host = "", port = "", name = "", user = "" } = database.properties;
  const settings = {
    memoryBytes: machine.memoryBytes,
    address: input.address(section.machine),
    gateway: input.address(needGateway(input.model)),
    host: section.host,
    database: { host, port, name, user },
  };
  return {
    parts: [partOf(section.machine, settings, database)],
    flows: [{ from: section.machine, to: database.machine, port: database.port, reason: "identity keeps its data there" }],
    resources: [slotOf(input, machine, database), ...insideResources(input, section, machine)],
  };
};

export const identityDomain: Domain = {
  name: SERVICE,
  schema: SCHEMA,
  ports: [PORT, MANAGEMENT_PORT, RECOVERY_PORT],
  needs: ["postgres", "gateway"],
  database: DATABASE,
  leastMemoryBytes: LEAST_MEMORY_BYTES,
  roles: (model) => {
    const section = sectionOf(model);
    return section === undefined ? [] : [{ machine: section.machine, role: "keycloak" }];
  },
  databases: (model) => (sectionOf(model) === undefined ? [] : [{ owner: SERVICE, name: DATABASE }]),
  publish: (input) => {
    const section = sectionOf(input.model);
    return [...oidcEndpoints(input, section), ...(section === undefined ? [] : [serviceEndpoint(input.model, section)])];
  },
  desire,
};
