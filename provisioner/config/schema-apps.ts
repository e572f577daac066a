/** The schema of `apps`. */
import { access } from "./schema-access.ts";
import { policy, route } from "./schema-routes.ts";
import { smoke } from "./schema-smoke.ts";
import type { Schema } from "./schema.ts";

const shared: Readonly<Record<string, Schema>> = {
  source: { type: "string", format: "folder", description: "Folder with the source, relative to the configuration.", examples: ["api"] },
  build: {
    type: "string",
    minLength: 1,
    format: "one-line",
    description: "Shell command run in `source` before a deploy; without one the source is the release.",
    examples: ["npm run build"],
  },
  output: {
    type: "string",
    format: "folder",
    default: ".",
    description: "Folder below `source` that becomes the release.",
    examples: ["dist"],
  },
};

const staticWorkload: Schema = {
  type: "object",
  description: "Files that the gateway serves from its own machine.",
  examples: [{ kind: "static", source: "page" }],
  properties: {
    kind: { const: "static", description: "A folder of files.", examples: ["static"] },
    ...shared,
    spa: { type: "boolean", default: false, description: "Answer unknown paths without an extension with `index.html`.", examples: [true] },
    config: {
      type: "object",
      maxProperties: 32,
      description:
        "What the deploy tells the pages, in `/config.json`, which anybody can read: `${oidc.issuer}` and its like bind to endpoints, never to a secret.",
      examples: [{ issuer: "${oidc.issuer}" }],
      propertyNames: { format: "variable" },
      additionalProperties: {
        type: "string",
        maxLength: 1024,
        format: "one-line",
        description: "The key's value.",
        examples: ["${oidc.issuer}"],
      },
    },
  },
  required: ["kind", "source"],
  additionalProperties: false,
};

const port = (description: string, example: number): Schema => ({
  type: "integer",
  minimum: 1024,
  maximum: 65_534,
  description,
  examples: [example],
});
const path = (description: string, example: string): Schema => ({ type: "string", format: "url-path", description, examples: [example] });

const nodeWorkload: Schema = {
  type: "object",
  description: "A program that runs on Node and answers HTTP.",
  examples: [{ kind: "node", machine: "app", source: "api", start: "server.js", port: 8080, health: { live: "/livez", ready: "/readyz" } }],
  properties: {
    kind: { const: "node", description: "A program that runs on Node.", examples: ["node"] },
    machine: { type: "string", description: "The machine it runs on.", examples: ["app"] },
    ...shared,
    start: { type: "string", format: "folder", description: "Entry file below `output`.", examples: ["server.js"] },
    port: port("The first of two ports (the second is one higher); releases alternate between them. The program reads it as `PORT`.", 8080),
    metricsPort: port("The first of two metrics ports.", 9464),
    memory: {
      type: "string",
      format: "size",
      minSize: "16MiB",
      default: "256MiB",
      description: "The most memory it may take.",
      examples: ["256MiB"],
    },
    env: {
      type: "object",
      default: {},
      description:
        "Environment variables. `${database.rw.url}` and its like bind to endpoints; `${NAME}` takes a variable of the environment croft runs in.",
      examples: [{ LOG_LEVEL: "info" }],
      propertyNames: { format: "variable" },
      additionalProperties: { type: "string", format: "one-line", description: "The variable's value.", examples: ["info"] },
    },
    health: {
      type: "object",
      description: "Paths that tell how the program feels.",
      examples: [{ live: "/livez", ready: "/readyz" }],
      properties: {
        live: path("Answers 200 while the program runs.", "/livez"),
        ready: path("Answers 200 when the program can serve.", "/readyz"),
      },
      required: ["live", "ready"],
      additionalProperties: false,
    },
    stopSignal: { enum: ["SIGTERM", "SIGINT"], default: "SIGTERM", description: "The signal that asks it to stop.", examples: ["SIGTERM"] },
    stopTimeout: { type: "string", format: "duration", default: "30s", description: "How long it may take to stop.", examples: ["35s"] },
  },
  required: ["kind", "machine", "source", "start", "port", "health"],
  additionalProperties: false,
};

export const appSchema: Schema = {
  type: "object",
  description: "The user's software: one app with its database, workloads and routes.",
  examples: [{ workloads: { page: { kind: "static", source: "page" } }, routes: [{ host: "@", to: "page" }] }],
  properties: {
    database: {
      type: "object",
      description: "A database of its own, with an owner, a writing and a reading role.",
      examples: [{ name: "portfolio", migrations: "api/migrations" }],
      properties: {
        name: { type: "string", format: "database-name", description: "The database's name.", examples: ["portfolio"] },
        migrations: { type: "string", format: "folder", description: "Folder of `NNNN_name.up.sql` files.", examples: ["api/migrations"] },
      },
      required: ["name"],
      additionalProperties: false,
    },
    workloads: {
      type: "object",
      description: "Workloads by name.",
      examples: [{ page: { kind: "static", source: "page" } }],
      propertyNames: { format: "name" },
      additionalProperties: {
        type: "object",
        discriminator: { propertyName: "kind" },
        required: ["kind"],
        oneOf: [staticWorkload, nodeWorkload],
        description: "One workload.",
        examples: [{ kind: "static", source: "page" }],
      },
    },
    ...access,
    smoke,
    policies: {
      type: "object",
      default: {},
      description: "Rules by name, for routes to share.",
      examples: [{ "public-read": { methods: ["GET"] } }],
      propertyNames: { format: "name" },
      additionalProperties: policy,
    },
    routes: {
      type: "array",
      default: [],
      description: "What the gateway answers, in any order: the most exact route wins.",
      examples: [[{ host: "@", to: "page" }]],
      items: route,
    },
  },
  required: ["workloads"],
  additionalProperties: false,
};
