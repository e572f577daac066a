/** OpenID providers elsewhere, by what they said when they were asked. Effects come in as answers. */
import type { Model } from "../model/types.ts";
import type { Problem } from "./problem.ts";
import { backticked, showValue, type Place } from "./text.ts";
import type { Path } from "./tree.ts";

/** What a provider's metadata say, or why they could not be had. */
export type IssuerAnswer =
  | { readonly ok: true; readonly issuer: unknown; readonly keys: unknown }
  | { readonly ok: false; readonly reason: string };

/** A slash at the issuer's end belongs to its name, and is not doubled in this address. */
export const metadataUrl = (issuer: string): string => `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

export const issuersOf = (model: Model): readonly string[] => [
  ...new Set(model.apps.flatMap(({ oidc }) => (oidc?.issuer === undefined ? [] : [oidc.issuer]))),
];

type Told = Pick<Problem, "severity" | "message"> & Partial<Pick<Problem, "hint" | "help">>;

/** Silence is a warning only: a site must stay repairable while somebody else's server is down. */
const judge = (issuer: string, answer: IssuerAnswer): Told | undefined => {
  if (!answer.ok)
    return {
      severity: "warning",
      message: `the provider ${backticked(issuer)} does not answer: ${showValue(answer.reason)}`,
      help: `nobody can sign in until it does; asked: ${metadataUrl(issuer)}`,
    };
  if (answer.issuer !== issuer) {
    const name = typeof answer.issuer === "string" ? answer.issuer : undefined;
    return {
      severity: "error",
      message: `the provider calls itself ${name === undefined ? "nothing" : backticked(name)}, not ${backticked(issuer)}: its tokens would never pass`,
      ...(name === undefined ? {} : { hint: `write ${showValue(name)}` }),
      help: `it says so at ${metadataUrl(issuer)}`,
    };
  }
  return typeof answer.keys === "string" && answer.keys.startsWith("https://")
    ? undefined
    : {
        severity: "error",
        message: `the provider ${backticked(issuer)} names no keys by https (\`jwks_uri\`)`,
        help: `asked: ${metadataUrl(issuer)}`,
      };
};

export const checkIssuers = (model: Model, locate: (path: Path) => Place, answers: ReadonlyMap<string, IssuerAnswer>): readonly Problem[] =>
  model.apps.flatMap(({ name, oidc }): readonly Problem[] => {
    const answer = oidc?.issuer === undefined ? undefined : answers.get(oidc.issuer);
    const told = oidc?.issuer === undefined || answer === undefined ? undefined : judge(oidc.issuer, answer);
    return told === undefined ? [] : [{ ...told, code: "E0141", place: locate(["apps", name, "oidc", "issuer"]), related: [] }];
  });
