/** The schema of what an app may reach and who may reach it: its key, its realm, its buckets. */
import type { Schema } from "./schema.ts";

const redirects: Schema = {
  type: "array",
  minItems: 1,
  uniqueItems: true,
  description: "Where people may be sent back to after signing in. In development a `*` may end the path; in production each is exact.",
  examples: [["https://cms.example.test/*"]],
  items: { type: "string", format: "redirect-uri", description: "One place.", examples: ["https://cms.example.test/*"] },
};

const roles = (description: string): Schema => ({
  type: "array",
  uniqueItems: true,
  default: [],
  description,
  examples: [["portfolio-admin"]],
  items: { type: "string", minLength: 1, maxLength: 64, format: "role", description: "A role.", examples: ["portfolio-admin"] },
});

const oidc: Schema = {
  type: "object",
  description: "Who signs people in for this app: a realm of the identity service, or an OpenID provider elsewhere.",
  examples: [{ roles: ["portfolio-admin"], clients: { cms: { redirects: ["https://cms.example.test/*"] } } }],
  properties: {
    realm: { type: "string", format: "name", description: "The realm's name; the app's name by default.", examples: ["portfolio"] },
    issuer: {
      type: "string",
      format: "issuer",
      description: "A provider elsewhere; the identity service without it.",
      examples: ["https://login.example.org/realms/main"],
    },
    audience: {
      type: "string",
      format: "role",
      minLength: 1,
      maxLength: 64,
      description: "What tokens for this app say in `aud`; APP-api by default.",
      examples: ["portfolio-api"],
    },
    rolesClaim: {
      type: "string",
      format: "claim",
      minLength: 1,
      maxLength: 128,
      default: "realm_access.roles",
      description: "Where roles stand in a token, parts separated by dots.",
      examples: ["realm_access.roles"],
    },
    roles: roles("Roles that people can have."),
    sessionClient: {
      type: "string",
      format: "name",
      description: "The client by which the gateway signs people in at a provider elsewhere.",
      examples: ["gateway"],
    },
    clients: {
      type: "object",
      default: {},
      description: "Public clients by their id: front ends that sign people in by themselves, with PKCE.",
      examples: [{ cms: { redirects: ["https://cms.example.test/*"] } }],
      propertyNames: { format: "name" },
      additionalProperties: {
        type: "object",
        description: "A front end.",
        examples: [{ redirects: ["https://cms.example.test/*"] }],
        properties: { redirects },
        required: ["redirects"],
        additionalProperties: false,
      },
    },
    testUsers: {
      type: "object",
      default: {},
      description: "People made with a random password, for tests: refused where `mode` is production.",
      examples: [{ editor: { roles: ["portfolio-admin"] } }],
      propertyNames: { format: "name" },
      additionalProperties: {
        type: "object",
        description: "Somebody for tests.",
        examples: [{ roles: ["portfolio-admin"] }],
        properties: { roles: roles("Their roles.") },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

const bucket: Schema = {
  type: "object",
  description: "A private bucket of the object store; people read its objects by presigned addresses.",
  examples: [{ maxObject: "50MiB" }],
  properties: {
    cors: {
      type: "array",
      uniqueItems: true,
      default: [],
      description: "Origins whose pages may read objects by script.",
      examples: [["https://www.example.test"]],
      items: { type: "string", format: "origin", description: "An origin.", examples: ["https://www.example.test"] },
    },
    maxObject: {
      type: "string",
      format: "size",
      minSize: "1KiB",
      default: "50MiB",
      description: "The largest object that may come in through the gateway.",
      examples: ["50MiB"],
    },
    upload: { type: "boolean", default: false, description: "Browsers may upload by presigned PUT.", examples: [true] },
  },
  additionalProperties: false,
};

export const access: Readonly<Record<string, Schema>> = {
  apiKey: {
    type: "object",
    description:
      "A key that the gateway alone adds to each request; workloads read what to demand from ${apiKey.value} and ${apiKey.previous}.",
    examples: [{ header: "X-Api-Key" }],
    properties: {
      header: {
        type: "string",
        format: "header",
        default: "X-Api-Key",
        description: "The header that carries it.",
        examples: ["X-Api-Key"],
      },
    },
    additionalProperties: false,
  },
  oidc,
  buckets: {
    type: "object",
    default: {},
    description: "Buckets by name.",
    examples: [{ media: { maxObject: "50MiB" } }],
    propertyNames: { format: "name" },
    additionalProperties: bucket,
  },
};
