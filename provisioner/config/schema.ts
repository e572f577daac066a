/** The JSON Schema of `croft.yaml`: what is allowed, what is the default, and the text of `croft docs`. */
import { appSchema } from "./schema-apps.ts";
import type { Plain } from "./tree.ts";

export type Schema = { readonly [keyword: string]: unknown };

/** A service's own part; every section also has `machine`. */
export type ServiceSchema = {
  readonly name: string;
  readonly schema?: Schema | undefined;
  /** Ports it listens on; workloads of its machine must leave them free. */
  readonly ports?: readonly number[];
  /** Services that it cannot be without. */
  readonly needs?: readonly string[];
  /** The database that it keeps its own data in. */
  readonly database?: string;
  /** Memory below which it does not run. */
  readonly leastMemoryBytes?: number;
};

/** The version of the format that this program reads. */
export const KNOWN_VERSION = 1;

export const DEFAULTS = {
  mode: "production",
  network: "10.91.0.0/16",
  hosts: { local: {} },
  cpus: 1,
  rootDisk: "4GiB",
} as const;

const mapOf = (format: string, description: string, example: Plain, items: Schema): Schema => ({
  type: "object",
  description,
  examples: [example],
  propertyNames: { format },
  additionalProperties: items,
});

const machine: Schema = {
  type: "object",
  description: "A virtual machine.",
  examples: [{ cpus: 2, memory: "1GiB", disks: { data: "20GiB" } }],
  properties: {
    host: { type: "string", description: "The host that carries it; the first one by default.", examples: ["local"] },
    cpus: { type: "integer", minimum: 1, maximum: 256, default: DEFAULTS.cpus, description: "Virtual processors.", examples: [2] },
    memory: { type: "string", format: "size", minSize: "128MiB", description: "The machine's memory.", examples: ["512MiB"] },
    rootDisk: {
      type: "string",
      format: "size",
      minSize: "1GiB",
      default: DEFAULTS.rootDisk,
      description: "Size of the root disk, which holds no data.",
      examples: ["4GiB"],
    },
    disks: {
      ...mapOf(
        "disk-name",
        "Data disks by name: they outlive the machine.",
        { data: "20GiB" },
        { type: "string", format: "size", minSize: "64MiB", description: "The disk's size.", examples: ["20GiB"] },
      ),
      default: {},
    },
  },
  required: ["memory"],
  additionalProperties: false,
};

const host: Schema = {
  type: "object",
  description: "A Linux computer that carries machines. The first is the home host, where croft runs.",
  examples: [{}],
  properties: {},
  additionalProperties: false,
};

type Properties = Readonly<Record<string, Schema>>;

const serviceSection = ({ name, schema = {} }: ServiceSchema): Schema => {
  const properties = (schema["properties"] ?? {}) as Properties;
  const required = (schema["required"] ?? []) as readonly string[];
  return {
    description: `The ${name} service.`,
    examples: [{ machine: "web" }],
    additionalProperties: false,
    ...schema,
    type: "object",
    properties: { machine: { type: "string", description: "The machine it runs on.", examples: ["web"] }, ...properties },
    required: [...new Set(["machine", ...required])],
  };
};

const servicesSchema = (services: readonly ServiceSchema[]): Schema => ({
  type: "object",
  default: {},
  description: "What croft installs and keeps: each on one machine.",
  examples: [{ gateway: { machine: "web" } }],
  properties: Object.fromEntries(services.map((service) => [service.name, serviceSection(service)])),
  additionalProperties: false,
});

const topLevel = (services: readonly ServiceSchema[]): Properties => ({
  version: { type: "integer", description: "Version of this format.", examples: [1] },
  site: { type: "string", format: "name", description: "The site's name; part of every name that croft makes.", examples: ["portfolio"] },
  domain: { type: "string", format: "domain", description: "The site's domain.", examples: ["portfolio.test"] },
  mode: {
    enum: ["development", "production"],
    default: DEFAULTS.mode,
    description: "`development` machines may hold test users and print more.",
    examples: ["development"],
  },
  operator: {
    type: "string",
    format: "age-recipient",
    description: "Age recipient that alone can read the root key of the site's certificate authority; without one croft makes it.",
    examples: [`age1${"q".repeat(58)}`],
  },
  network: {
    type: "string",
    format: "network",
    default: DEFAULTS.network,
    description: "The site's private network, a /16; each host owns a /24 of it.",
    examples: ["10.91.0.0/16"],
  },
  hosts: {
    ...mapOf("name", "Hosts by name, the home host first.", { local: {} }, host),
    minProperties: 1,
    maxProperties: 256,
    default: DEFAULTS.hosts,
  },
  machines: mapOf("machine-name", "Machines by name.", { web: { memory: "512MiB" } }, machine),
  services: servicesSchema(services),
  apps: { ...mapOf("name", "Apps by name.", { hello: { workloads: {} } }, appSchema), default: {} },
});

const REQUIRED = ["version", "site", "domain", "machines"];

const environments = (keys: readonly string[]): Schema => ({
  type: "object",
  default: {},
  description: "Environments by name: each lays keys of the top level over the file when croft runs with `--env NAME`.",
  examples: [{ staging: { domain: "staging.example.test" } }],
  propertyNames: { format: "name" },
  additionalProperties: {
    type: "object",
    description: "Keys of the top level; maps are merged, everything else is replaced.",
    examples: [{ mode: "development" }],
    properties: Object.fromEntries(keys.map((key) => [key, { description: `Laid over \`${key}\` of the file.`, examples: [] }])),
    additionalProperties: false,
  },
});

/** The whole file, with the sections of the given services. */
export const makeSchema = (services: readonly ServiceSchema[]): Schema => ({
  title: "croft.yaml",
  description: "One site: its hosts, machines, services and apps.",
  type: "object",
  properties: { ...topLevel(services), environments: environments(Object.keys(topLevel(services))) },
  required: REQUIRED,
  additionalProperties: false,
});

/** For editors: `# yaml-language-server: $schema=croft.schema.json`. */
export const schemaJson = (services: readonly ServiceSchema[]): string => {
  const schema = { $schema: "http://json-schema.org/draft-07/schema#", ...makeSchema(services) };
  return `${JSON.stringify(schema, (key, value: unknown) => (key === "discriminator" || key === "minSize" ? undefined : value), 2)}\n`;
};
