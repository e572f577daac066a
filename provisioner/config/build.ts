/** A checked tree to the Model: every default is put in here, sizes become bytes and times seconds. */
import { parseDuration, parseRate, parseSize, type Parsed } from "../model/sizes.ts";
import type {
  App,
  AppDatabase,
  AppOidc,
  AppSmoke,
  Bucket,
  BucketTarget,
  Host,
  Machine,
  Model,
  Route,
  RouteRules,
  ServiceSection,
  Workload,
} from "../model/types.ts";
import { substitute } from "./checks/bindings.ts";
import { fullHost } from "./checks/routes.ts";
import { DEFAULTS } from "./schema.ts";
import type { Plain } from "./tree.ts";

type Data = { readonly [key: string]: Plain };

export type BuildInput = {
  readonly data: Plain;
  readonly environment: string;
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
};

/** The checks ran before: a value of another kind cannot come here and is a bug. */
const fail = (key: string): never => {
  throw new TypeError(`configuration key ${key} passed its checks and cannot be read`);
};

const mapOf = (value: Plain | undefined): Data =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Data) : {};
const listOf = (value: Plain | undefined): readonly Plain[] => (Array.isArray(value) ? (value as readonly Plain[]) : []);
const textOf = (data: Data, key: string, otherwise?: string): string => {
  const value = data[key] ?? otherwise;
  return typeof value === "string" ? value : fail(key);
};
const numberOf = (data: Data, key: string, otherwise?: number): number => {
  const value = data[key] ?? otherwise;
  return typeof value === "number" ? value : fail(key);
};
const quantity = <T>(parsed: Parsed<T>, key: string): T => (parsed.ok ? parsed.value : fail(key));
const sizeOf = (data: Data, key: string, otherwise?: string): number => quantity(parseSize(textOf(data, key, otherwise)), key);
const secondsOf = (data: Data, key: string, otherwise?: string): number => quantity(parseDuration(textOf(data, key, otherwise)), key);

/** `{ key: value }`, or nothing where the file says nothing. */
const optional = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
const textIf = (data: Data, key: string): string | undefined => (data[key] === undefined ? undefined : textOf(data, key));
const texts = (value: Plain | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(mapOf(value)).map(([key, text]) => [key, String(text)]));

const toMachine = (name: string, data: Data, home: string): Machine => ({
  name,
  host: textOf(data, "host", home),
  cpus: numberOf(data, "cpus", DEFAULTS.cpus),
  memoryBytes: sizeOf(data, "memory"),
  rootDiskBytes: sizeOf(data, "rootDisk", DEFAULTS.rootDisk),
  disks: Object.keys(mapOf(data["disks"])).map((disk) => ({ name: disk, sizeBytes: sizeOf(mapOf(data["disks"]), disk) })),
});

const toDatabase = (data: Data): AppDatabase => ({ name: textOf(data, "name"), ...optional("migrations", textIf(data, "migrations")) });

const toWorkload = (name: string, data: Data, variables: Readonly<Record<string, string>>): Workload => {
  const shared = { name, source: textOf(data, "source"), ...optional("build", textIf(data, "build")), output: textOf(data, "output", ".") };
  const filled = (value: Plain | undefined): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(texts(value)).map(([key, text]) => [key, substitute(text, variables)]));
  if (data["kind"] === "static") {
    const config = data["config"] === undefined ? undefined : filled(data["config"]);
    return { kind: "static", ...shared, spa: data["spa"] === true, ...optional("config", config) };
  }
  const health = mapOf(data["health"]);
  return {
    kind: "node",
    ...shared,
    machine: textOf(data, "machine"),
    start: textOf(data, "start"),
    port: numberOf(data, "port"),
    ...optional("metricsPort", data["metricsPort"] === undefined ? undefined : numberOf(data, "metricsPort")),
    memoryBytes: sizeOf(data, "memory", "256MiB"),
    environment: filled(data["env"]),
    health: { live: textOf(health, "live"), ready: textOf(health, "ready") },
    stopSignal: data["stopSignal"] === "SIGINT" ? "SIGINT" : "SIGTERM",
    stopTimeoutSeconds: secondsOf(data, "stopTimeout", "30s"),
  };
};

const toBucketTarget = (data: Data): BucketTarget => {
  const prefix = textOf(data, "prefix", "");
  return {
    kind: "bucket",
    bucket: textOf(data, "bucket"),
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    index: textOf(data, "index", "index.html"),
    spa: data["spa"] === true,
    ...optional("notFound", textIf(data, "notFound")),
  };
};

const toTarget = (data: Data): Route["target"] => {
  if (data["to"] !== undefined) return { kind: "workload", workload: textOf(data, "to") };
  if (data["deny"] !== undefined) return { kind: "deny", status: data["deny"] === 403 ? 403 : 404 };
  if (data["bucket"] !== undefined) return toBucketTarget(data);
  return { kind: "redirect", to: textOf(data, "redirect") };
};

const wordsOf = (value: Plain | undefined): readonly string[] => listOf(value).map(String);
const oneOf = <T extends string>(data: Data, key: string, words: readonly T[]): T | undefined => words.find((word) => word === data[key]);

const toRules = (data: Data): RouteRules => {
  const mode = oneOf(data, "auth", ["jwt", "session"] as const);
  return {
    ...optional("auth", mode === undefined ? undefined : { mode, ...optional("role", textIf(data, "role")) }),
    ...optional("bodyMaxBytes", data["bodyMax"] === undefined ? undefined : sizeOf(data, "bodyMax")),
    ...optional("timeoutSeconds", data["timeout"] === undefined ? undefined : secondsOf(data, "timeout")),
    ...optional("rate", data["rate"] === undefined ? undefined : quantity(parseRate(textOf(data, "rate")), "rate")),
    ...optional("connections", data["connections"] === undefined ? undefined : numberOf(data, "connections")),
    ...optional("cache", oneOf(data, "cache", ["off", "short", "immutable"] as const)),
    ...optional("cors", data["cors"] === undefined ? undefined : wordsOf(data["cors"])),
  };
};

/** What a route says itself counts more than its policy. */
const withPolicy = (data: Data, policies: Data): Data =>
  data["policy"] === undefined ? data : { ...mapOf(policies[textOf(data, "policy")]), ...data };

const toRoute = (own: Data, policies: Data, domain: string): Route => {
  const data = withPolicy(own, policies);
  const rules = toRules(data);
  return {
    host: fullHost(textOf(data, "host"), domain),
    path: textOf(data, "path", "/"),
    exact: data["exact"] === true,
    target: toTarget(data),
    methods: wordsOf(data["methods"]),
    query: texts(data["query"]),
    ...optional("rules", Object.keys(rules).length === 0 ? undefined : rules),
  };
};

const toOidc = (app: string, data: Data): AppOidc => ({
  realm: textOf(data, "realm", app),
  ...optional("issuer", textIf(data, "issuer")),
  audience: textOf(data, "audience", `${app}-api`),
  rolesClaim: textOf(data, "rolesClaim", "realm_access.roles").split("."),
  roles: wordsOf(data["roles"]),
  clients: Object.entries(mapOf(data["clients"])).map(([id, client]) => ({ id, redirects: wordsOf(mapOf(client)["redirects"]) })),
  ...optional("sessionClient", textIf(data, "sessionClient")),
  testUsers: Object.entries(mapOf(data["testUsers"])).map(([name, user]) => ({ name, roles: wordsOf(mapOf(user)["roles"]) })),
});

const toBucket = (name: string, data: Data): Bucket => ({
  name,
  cors: wordsOf(data["cors"]),
  maxObjectBytes: sizeOf(data, "maxObject", "50MiB"),
  upload: data["upload"] === true,
});

const bucketsOf = (data: Data): readonly Bucket[] | undefined => {
  const all = Object.entries(mapOf(data["buckets"])).map(([name, bucket]) => toBucket(name, mapOf(bucket)));
  return all.length === 0 ? undefined : all;
};

const toSmoke = (data: Data, domain: string): AppSmoke => ({
  module: textOf(data, "module"),
  ...optional("user", textIf(data, "user")),
  origins: Object.fromEntries(Object.entries(texts(data["origins"])).map(([name, host]) => [name, fullHost(host, domain)])),
});

const toApp = (name: string, data: Data, input: BuildInput, domain: string): App => ({
  name,
  ...optional("database", data["database"] === undefined ? undefined : toDatabase(mapOf(data["database"]))),
  workloads: Object.entries(mapOf(data["workloads"])).map(([workload, value]) => toWorkload(workload, mapOf(value), input.variables)),
  routes: listOf(data["routes"]).map((route) => toRoute(mapOf(route), mapOf(data["policies"]), domain)),
  ...optional("apiKey", data["apiKey"] === undefined ? undefined : { header: textOf(mapOf(data["apiKey"]), "header", "X-Api-Key") }),
  ...optional("oidc", data["oidc"] === undefined ? undefined : toOidc(name, mapOf(data["oidc"]))),
  ...optional("buckets", bucketsOf(data)),
  ...optional("smoke", data["smoke"] === undefined ? undefined : toSmoke(mapOf(data["smoke"]), domain)),
});

const toHosts = (data: Data): readonly Host[] => Object.keys(mapOf(data["hosts"] ?? DEFAULTS.hosts)).map((name) => ({ name }));

const toService = (value: Plain): ServiceSection => ({ ...mapOf(value), machine: textOf(mapOf(value), "machine") });

const freeze = <T>(value: T): T => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
};

export const buildModel = (input: BuildInput): Model => {
  const data = mapOf(input.data);
  const hosts = toHosts(data);
  const domain = textOf(data, "domain");
  return freeze<Model>({
    site: textOf(data, "site"),
    domain,
    environment: input.environment,
    mode: data["mode"] === "development" ? "development" : DEFAULTS.mode,
    network: textOf(data, "network", DEFAULTS.network),
    hosts,
    machines: Object.entries(mapOf(data["machines"])).map(([name, value]) =>
      toMachine(name, mapOf(value), hosts[0]?.name ?? fail("hosts")),
    ),
    services: Object.fromEntries(Object.entries(mapOf(data["services"])).map(([name, value]) => [name, toService(value)])),
    apps: Object.entries(mapOf(data["apps"])).map(([name, value]) => toApp(name, mapOf(value), input, domain)),
    ...optional("operator", textIf(data, "operator")),
    folder: input.folder,
  });
};
