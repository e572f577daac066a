/** Secrets of a site as people name them: what may be rotated, and who uses what. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import type { Resource, ResourceId } from "../provisioner/plan/resource.ts";
import { secretId } from "../provisioner/secrets/resource.ts";
import type { Rotates, SecretPayload } from "../provisioner/secrets/resource.ts";

export type NamedSecret = { readonly name: string; readonly rotates: Rotates | undefined; readonly users: readonly ResourceId[] };
export type Rotatable = NamedSecret & { readonly rotates: Rotates };

/** What stands in the environment of a release is named by its secrets; everything else needs them. */
const usesSecret = ({ needs, payload }: Resource, name: string): boolean => {
  const { environment = {} } = (payload ?? {}) as { readonly environment?: Readonly<Record<string, unknown>> };
  return needs.includes(secretId(name)) || Object.values(environment).some((text) => String(text).includes(`{{secret ${name}`));
};

/** By name. */
export const namedSecrets = (resources: readonly Resource[]): readonly NamedSecret[] =>
  resources
    .filter(({ kind }) => kind === "secret")
    .map(({ id, payload }) => {
      const name = id.slice(secretId("").length);
      const users = resources.filter((resource) => usesSecret(resource, name)).map((resource) => resource.id);
      return { name, rotates: (payload as SecretPayload | undefined)?.rotates, users: users.toSorted() };
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));

export const KINDS = ["api-key", "database", "s3", "oidc"] as const;

export type Wanted = { readonly secret: string; readonly app: string | undefined; readonly part: string | undefined };

const wordsFor = ({ rotates: { kind, app, part } }: Rotatable): string =>
  [kind, ...(app === undefined ? [] : ["--app", app]), "--part", part].join(" ");

const isMeant =
  ({ secret, app, part }: Wanted) =>
  ({ name, rotates }: Rotatable): boolean =>
    (name === secret || rotates.kind === secret) &&
    (app === undefined || rotates.app === app) &&
    (part === undefined || rotates.part === part);

/** @throws CroftError USAGE with the choices, where it is none or several. */
export const chooseSecret = (secrets: readonly NamedSecret[], wanted: Wanted): Rotatable => {
  const able = secrets.filter((secret): secret is Rotatable => secret.rotates !== undefined);
  const [found, ...more] = able.filter(isMeant(wanted));
  if (found !== undefined && more.length === 0) return found;
  const alike = able.filter(({ name, rotates }) => name === wanted.secret || rotates.kind === wanted.secret);
  const choices = (found === undefined ? (alike.length > 0 ? alike : able) : [found, ...more]).map(wordsFor);
  const fixed = secrets.some(({ name }) => name === wanted.secret) && alike.length === 0;
  const message = found === undefined ? `no secret of this site is called \`${wanted.secret}\` and what was said of it` : "which one?";
  throw new CroftError("USAGE", fixed ? `\`${wanted.secret}\` cannot be rotated` : message, {
    hint: choices.length === 0 ? "nothing in this site can be rotated" : `one of: ${choices.join(", ")}`,
  });
};
