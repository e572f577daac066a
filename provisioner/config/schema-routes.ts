/** The schema of `routes` and `policies`. */
import type { Schema } from "./schema.ts";

const path = (description: string, example: string): Schema => ({ type: "string", format: "url-path", description, examples: [example] });

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const rules: Readonly<Record<string, Schema>> = {
  methods: {
    type: "array",
    uniqueItems: true,
    default: [],
    description: "Methods that pass; without any all do. HEAD passes wherever GET does.",
    examples: [["GET"]],
    items: { enum: METHODS, description: "A method.", examples: ["GET"] },
  },
  query: {
    type: "object",
    default: {},
    description: "Parameters that must have exactly this value; everything else is answered with 404.",
    examples: [{ visible: "true" }],
    propertyNames: { format: "parameter-name" },
    additionalProperties: { type: "string", format: "parameter-value", description: "The parameter's value.", examples: ["true"] },
  },
  auth: {
    enum: ["jwt", "session"],
    description:
      "Who may pass: `jwt`, requests with a bearer token of the app's issuer; `session`, people who signed in with their browser. The workload learns who it is from X-Auth-Subject and X-Auth-Roles.",
    examples: ["jwt"],
  },
  role: {
    type: "string",
    minLength: 1,
    maxLength: 64,
    format: "role",
    description: "A role that they must have.",
    examples: ["portfolio-admin"],
  },
  bodyMax: {
    type: "string",
    format: "size",
    minSize: "1KiB",
    description: "The largest request body; 1MiB without it.",
    examples: ["55MiB"],
  },
  timeout: { type: "string", format: "duration", description: "How long the workload may stay silent; 30s without it.", examples: ["60s"] },
  rate: { type: "string", format: "rate", description: "Requests of one client; more are answered with 429.", examples: ["20/s"] },
  connections: {
    type: "integer",
    minimum: 1,
    maximum: 10_000,
    description: "Requests of one client at the same time; more are answered with 429.",
    examples: [10],
  },
  cache: {
    enum: ["off", "short", "immutable"],
    description: "What caches and browsers may keep of the answers: nothing, a minute, for ever. Without it the workload says.",
    examples: ["off"],
  },
  cors: {
    type: "array",
    uniqueItems: true,
    description: "Origins whose pages may read the answers.",
    examples: [["https://www.example.test"]],
    items: { type: "string", format: "origin", description: "An origin.", examples: ["https://www.example.test"] },
  },
};

export const policy: Schema = {
  type: "object",
  description: "Rules for requests and answers.",
  examples: [{ methods: ["GET"], rate: "20/s" }],
  properties: rules,
  additionalProperties: false,
};

const object = (description: string, example: string): Schema => ({
  type: "string",
  format: "object-key",
  description,
  examples: [example],
});

/** A bucket as a target, and what only goes with it. */
const bucket: Readonly<Record<string, Schema>> = {
  bucket: { type: "string", description: "The bucket of this app whose objects answer GET and HEAD.", examples: ["media"] },
  prefix: {
    type: "string",
    format: "key-prefix",
    description: "With `bucket`: only objects whose keys start so are shown, and the path is what follows.",
    examples: ["public/"],
  },
  index: object("With `bucket`: the object for paths that end in `/`; index.html without it.", "index.html"),
  spa: {
    type: "boolean",
    description: "With `bucket`: paths without an extension that no object has get the index.",
    examples: [true],
  },
  notFound: object("With `bucket`: the object shown, with status 404, where there is none.", "404.html"),
};

export const route: Schema = {
  type: "object",
  description: "What a host and path lead to: exactly one of `to`, `deny`, `redirect` and `bucket`.",
  examples: [{ host: "www", path: "/api/", to: "api" }],
  properties: {
    host: {
      type: "string",
      format: "route-host",
      description: "`@` for the site's domain, or the labels before it.",
      examples: ["@", "www"],
    },
    path: { ...path("Path prefix, or the whole path with `exact`.", "/api/"), default: "/" },
    exact: { type: "boolean", default: false, description: "Match the whole path only.", examples: [true] },
    to: { type: "string", description: "The workload that answers.", examples: ["api"] },
    deny: { enum: [403, 404], description: "Answer with this status.", examples: [404] },
    redirect: { type: "string", format: "redirect", description: "Send the browser there.", examples: ["https://www.example.test/"] },
    ...bucket,
    policy: {
      type: "string",
      description: "Rules of `policies` that hold here, too; what the route says itself counts more.",
      examples: ["public-read"],
    },
    ...rules,
  },
  required: ["host"],
  additionalProperties: false,
};
