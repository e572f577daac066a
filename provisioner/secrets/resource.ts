/** The resource of one generated secret. Pure. */
import type { Versions } from "../model/contribution.ts";
import { resourceId } from "../model/names.ts";
import type { Resource, ResourceId } from "../plan/resource.ts";

export type SecretForm = "password" | "ssh-key";

export type SecretInput = {
  /** `postgres/portfolio-rw`: what `{{secret NAME}}` says. */
  readonly name: string;
  readonly form: SecretForm;
  readonly versions: Versions;
  /** The home host, where the store is. */
  readonly host: string;
  /** It opens data that outlives the site's machines, and is kept with it. */
  readonly data?: boolean;
};

export const secretId = (name: string): ResourceId => resourceId("secret", name);

export const secretResource = (input: SecretInput): Resource => ({
  id: secretId(input.name),
  kind: "secret",
  host: input.host,
  spec: { version: input.versions.of("secret", input.name), form: input.form },
  needs: [],
  ...(input.data === true ? { data: true } : {}),
});
