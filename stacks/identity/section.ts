/** The section `services.identity` and its schema. Pure. */
import type { Model } from "../../provisioner/model/types.ts";
import { SERVICE } from "./names.ts";

export const PROVIDERS = ["google", "github"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** `secret`: the variable of croft's environment that holds it. */
export type Provider = { readonly name: ProviderName; readonly clientId: string; readonly secret: string };

export type Smtp = {
  readonly host: string;
  readonly port: number;
  readonly from: string;
  readonly security: "none" | "starttls" | "tls";
  readonly user?: string;
  readonly password?: string;
};

export type Section = {
  readonly machine: string;
  /** Full host name, such as `auth.portfolio.test`. */
  readonly host: string;
  readonly operators: readonly string[];
  readonly providers: readonly Provider[];
  readonly smtp?: Smtp;
};

const DEFAULT_HOST = "auth";
const SMTP_PORT = 587;

const providersOf = (data: Readonly<Record<string, { readonly clientId: string; readonly secret: string }>>): readonly Provider[] =>
  PROVIDERS.flatMap((name) => {
    const found = data[name];
    return found === undefined ? [] : [{ name, clientId: found.clientId, secret: found.secret }];
  });

const smtpOf = (data: Partial<Smtp> & Pick<Smtp, "host" | "from">): Smtp => ({
  ...data,
  port: data.port ?? SMTP_PORT,
  security: data.security ?? "starttls",
});

export const sectionOf = (model: Model): Section | undefined => {
  const section = model.services[SERVICE];
  if (section === undefined) return undefined;
  const smtp = section["smtp"] as Parameters<typeof smtpOf>[0] | undefined;
  return {
    machine: section.machine,
    host: `${String(section["host"] ?? DEFAULT_HOST)}.${model.domain}`,
    operators: (section["operators"] ?? []) as readonly string[],
    providers: providersOf((section["providers"] ?? {}) as Parameters<typeof providersOf>[0]),
    ...(smtp === undefined ? {} : { smtp: smtpOf(smtp) }),
  };
};

const variable = (description: string, example: string) => ({ type: "string", format: "variable", description, examples: [example] });

const provider = (title: string, example: string) => ({
  type: "object",
  description: `People may sign in with ${title}.`,
  required: ["clientId", "secret"],
  examples: [{ clientId: "1234", secret: example }],
  properties: {
    clientId: { type: "string", minLength: 1, format: "one-line", description: `The client's id at ${title}.`, examples: ["1234"] },
    secret: variable("The variable of the environment of `croft up` that holds the client's secret.", example),
  },
  additionalProperties: false,
});

const smtp = {
  type: "object",
  description: "The server that sends Keycloak's mail. Without it nobody gets mail.",
  required: ["host", "from"],
  examples: [{ host: "mail.example.org", from: "login@example.org" }],
  properties: {
    host: { type: "string", minLength: 1, format: "one-line", description: "Its name.", examples: ["mail.example.org"] },
    port: { type: "integer", minimum: 1, maximum: 65_535, default: SMTP_PORT, description: "Its port.", examples: [SMTP_PORT] },
    from: { type: "string", minLength: 3, format: "one-line", description: "The sender.", examples: ["login@example.org"] },
    security: {
      type: "string",
      enum: ["none", "starttls", "tls"],
      default: "starttls",
      description: "How the way there is secured.",
      examples: ["starttls"],
    },
    user: { type: "string", minLength: 1, format: "one-line", description: "Who signs in there.", examples: ["login"] },
    password: variable("The variable of the environment of `croft up` that holds the password.", "SMTP_PASSWORD"),
  },
  additionalProperties: false,
};

export const SCHEMA = {
  type: "object",
  description: "Keycloak: who people are, for apps with `oidc`; its data lies in the postgres service.",
  properties: {
    host: {
      type: "string",
      format: "name",
      default: DEFAULT_HOST,
      description: "The first part of the name under which people sign in.",
      examples: [DEFAULT_HOST],
    },
    operators: {
      type: "array",
      uniqueItems: true,
      default: [],
      description: "Ranges of addresses from which the admin console is open, beside the site's own network.",
      examples: [["203.0.113.0/24"]],
      items: { type: "string", format: "range", description: "One range.", examples: ["203.0.113.0/24"] },
    },
    providers: {
      type: "object",
      default: {},
      description: "Where people may also sign in from.",
      examples: [{ google: { clientId: "1234", secret: "GOOGLE_SECRET" } }],
      properties: { google: provider("Google", "GOOGLE_SECRET"), github: provider("GitHub", "GITHUB_SECRET") },
      additionalProperties: false,
    },
    smtp,
  },
} as const;
