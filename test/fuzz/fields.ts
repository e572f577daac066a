/** Every text field of the configuration, read from its schema: a new field is there by itself. */
import { EXAMPLE_SERVICES } from "../../provisioner/config/services.fixture.ts";
import { makeSchema, type Schema } from "../../provisioner/config/schema.ts";
import type { Plain } from "../../provisioner/config/tree.ts";

/** `*` stands for any key or index; `keys`: the names of a map's entries themselves. */
export type Field = { readonly path: readonly string[]; readonly schema: Schema; readonly keys: boolean };

const schemasOf = (schema: Schema, keyword: string): readonly Schema[] => (schema[keyword] ?? []) as readonly Schema[];
const isMapOfSchemas = (value: unknown): value is Schema => typeof value === "object" && value !== null;

const isText = (schema: Schema): boolean =>
  schema["type"] === "string" || [...schemasOf(schema, "enum"), schema["const"]].some((value) => typeof value === "string");

const below = (path: readonly string[], schema: Schema): readonly Field[] => {
  const properties = Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, Schema>>);
  const named = properties.flatMap(([key, child]) => fieldsOf([...path, key], child));
  const any = [schema["items"], schema["additionalProperties"]].filter(isMapOfSchemas).flatMap((child) => fieldsOf([...path, "*"], child));
  const keys = isMapOfSchemas(schema["propertyNames"]) ? [{ path: [...path, "*"], schema: schema["propertyNames"], keys: true }] : [];
  return [...keys, ...named, ...any];
};

const kindOf = (schema: Schema): string =>
  String(((schema["properties"] ?? {}) as Readonly<Record<string, Schema>>)["kind"]?.["const"] ?? "*");

/** A map of one of several kinds stands in the site under the name of its kind. */
const fieldsOf = (path: readonly string[], schema: Schema): readonly Field[] => [
  ...(isText(schema) ? [{ path, schema, keys: false }] : []),
  ...below(path, schema),
  ...schemasOf(schema, "oneOf").flatMap((branch) => fieldsOf([...path.slice(0, -1), kindOf(branch)], branch)),
];

/** Environments are the same fields once more. */
export const TEXT_FIELDS: readonly Field[] = below([], makeSchema(EXAMPLE_SERVICES));

type Data = { [key: string]: Data | Plain };

/** A small site with every kind of thing once; no two things share a name. */
const SITE: Plain = {
  version: 1,
  site: "shop",
  domain: "shop.test",
  mode: "development",
  hosts: { metal: {} },
  machines: {
    web: { host: "metal", memory: "1GiB", disks: { data: "1GiB", blobs: "1GiB" } },
    people: { memory: "1GiB" },
  },
  services: {
    postgres: { machine: "web", disk: "data" },
    gateway: { machine: "web", behind: ["203.0.113.0/24"] },
    identity: { machine: "people" },
    objects: { machine: "web", disk: "blobs" },
  },
  apps: {
    store: {
      database: { name: "orders" },
      workloads: {
        static: { kind: "static", source: "page" },
        node: {
          kind: "node",
          machine: "web",
          source: "api",
          start: "server.js",
          port: 8080,
          env: { LEVEL: "info" },
          health: { live: "/l", ready: "/r" },
        },
      },
      oidc: {
        roles: ["viewer", "editor"],
        clients: { spa: { redirects: ["https://shop.test/*"] } },
        testUsers: { ann: { roles: ["editor"] } },
      },
      buckets: { media: { cors: ["https://shop.test"] } },
      smoke: { module: "smoke/buy.ts", user: "ann", origins: { door: "@" } },
      policies: { open: { cors: ["https://shop.test"] } },
      routes: [{ host: "@", to: "static", cors: ["https://shop.test"] }],
    },
  },
  environments: { staging: { mode: "development" } },
};

/** Written where the field's value goes. */
export const MARK = "MARKMARKMARK";

const renamed = (value: Data | Plain, from: string, to: string): Data | Plain => {
  if (value === from) return to;
  if (Array.isArray(value)) return value.map((item: Plain) => renamed(item, from, to)) as Plain;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key === from ? to : key, renamed(child as Plain, from, to)]));
};

const firstKey = (node: Data): string => Object.keys(node)[0] ?? "new";

/** A route has one target: the field takes the place of the other, or goes with a bucket in its place. */
const withoutTarget = (node: Data, key: string): void => {
  if (["prefix", "index", "notFound"].includes(key)) {
    delete node["to"];
    node["bucket"] = "media";
  }
  if (["to", "deny", "redirect", "bucket"].includes(key)) delete node["to"];
};

/** The site with the mark in that field, as JSON: keys are renamed together with all that refer to them. */
export const markedSite = ({ path, keys }: Field): string => {
  const site = structuredClone(SITE) as Data;
  let node = site;
  const missing = (key: string): Data => (/^(?:methods)$/.test(key) ? ([] as unknown as Data) : {});
  for (const part of path.slice(0, -1)) {
    const key = part === "*" ? firstKey(node) : part;
    node[key] ??= missing(key);
    node = node[key] as Data;
  }
  const last = path.at(-1) ?? "";
  const key = last === "*" ? (Array.isArray(node) ? "0" : firstKey(node)) : last;
  if (keys && Object.hasOwn(node, key)) return JSON.stringify(renamed(site, key, MARK), null, 1);
  withoutTarget(node, key);
  node[keys ? MARK : key] = keys ? "1" : MARK;
  return JSON.stringify(site, null, 1);
};
