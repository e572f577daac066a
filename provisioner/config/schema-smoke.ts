/** The schema of `smoke`: the app's own proof that it works, run by `croft smoke`. */
import type { Schema } from "./schema.ts";

export const smoke: Schema = {
  type: "object",
  description: "A transaction of the app's own, run by `croft smoke` after the gateway's checks.",
  examples: [{ module: "smoke/transaction.ts", user: "editor", origins: { site: "www" } }],
  properties: {
    module: {
      type: "string",
      format: "folder",
      description:
        "The file, which exports `runTransaction` or `runReadOnly`; it may import what lies below croft.yaml, and Node's own modules.",
      examples: ["smoke/transaction.ts"],
    },
    user: {
      type: "string",
      description: "The test user who logs in. Without one, and in production, only `runReadOnly` runs.",
      examples: ["editor"],
    },
    origins: {
      type: "object",
      default: {},
      maxProperties: 32,
      description:
        "Hosts of the app's routes that the module gets as origins, such as `https://www.example.test`, by the names given here.",
      examples: [{ site: "www" }],
      propertyNames: { format: "variable" },
      additionalProperties: {
        type: "string",
        format: "route-host",
        description: "`@` for the site's domain, or the labels before it.",
        examples: ["www"],
      },
    },
  },
  required: ["module"],
  additionalProperties: false,
};
