/** Effects inside Keycloak: seen and repaired by its admin REST API. */
import type { Driver } from "../../provisioner/execute/driver.ts";
import { makeAdminDriver } from "./administrators.ts";
import { makeClientDriver } from "./clients.ts";
import { makeEntrance } from "./entrance.ts";
import type { IdentityTools } from "./entrance.ts";
import { invite } from "./invite.ts";
import type { Invitation, Invited } from "./invite.ts";
import { makeProviderDriver } from "./providers.ts";
import { makeRealmDriver } from "./realms.ts";
import { makeRoleDriver } from "./roles.ts";
import { makeUserDriver } from "./users.ts";

export type Identity = { readonly drivers: readonly Driver[]; readonly invite: (invitation: Invitation) => Promise<Invited> };

export const makeIdentity = (tools: IdentityTools): Identity => {
  const entrance = makeEntrance(tools);
  const makers = [makeAdminDriver, makeRealmDriver, makeRoleDriver, makeClientDriver, makeProviderDriver, makeUserDriver];
  return { drivers: makers.map((make) => make(entrance)), invite: (invitation) => invite(entrance, invitation) };
};
