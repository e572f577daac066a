/** The resource of one generated secret. Pure. */
import type { Versions } from "../model/contribution.ts";
import { resourceId } from "../model/names.ts";
import { hasPrevious, rotationOf } from "../model/rotation.ts";
import type { Resource, ResourceId } from "../plan/resource.ts";

export type SecretForm = "password" | "ssh-key";

/** What people say to have it replaced, and what that means. Without it, nobody can. */
export type Rotates = {
  /** `croft secret rotate KIND`. */
  readonly kind: "api-key" | "database" | "s3" | "oidc";
  readonly app?: string;
  /** Which one of its kind: a role, a bucket. */
  readonly part: string;
  /** The value before is taken until the next rotation. */
  readonly keep?: boolean;
};

export type SecretPayload = { readonly rotates?: Rotates };

export type SecretInput = {
  /** `postgres/portfolio-rw`: what `{{secret NAME}}` says. */
  readonly name: string;
  readonly form: SecretForm;
  readonly versions: Versions;
  /** The home host, where the store is. */
  readonly host: string;
  /** It opens data that outlives the site's machines, and is kept with it. */
  readonly data?: boolean;
  readonly rotates?: Rotates;
};

export const secretId = (name: string): ResourceId => resourceId("secret", name);

export const secretResource = (input: SecretInput): Resource => ({
  id: secretId(input.name),
  kind: "secret",
  host: input.host,
  spec: {
    version: input.versions.of("secret", input.name),
    // What the store holds beside it: empty but during a rotation.
    previous: hasPrevious(rotationOf(input.versions, input.name)) ? input.versions.of("secret", `${input.name} previous`) : "",
    form: input.form,
  },
  payload: (input.rotates === undefined ? {} : { rotates: input.rotates }) satisfies SecretPayload,
  needs: [],
  ...(input.data === true ? { data: true } : {}),
});
