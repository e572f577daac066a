/** Names of what the identity service is made of and what apps get from it. Pure. */
import { resourceId } from "../../provisioner/model/names.ts";
import type { ResourceId } from "../../provisioner/plan/resource.ts";

export const SERVICE = "identity";
export const DATABASE = "keycloak";
export const PORT = 8080;
/** Health and metrics, on the machine's loopback alone; not the 9000 that an object store beside it has. */
export const MANAGEMENT_PORT = 9002;
/** The smallest heap, and beside it classes, code, threads and buffers. */
export const LEAST_MEMORY_BYTES = 608 * 1024 ** 2;
export const UNIT = "croft-keycloak.service";
export const PROGRAM = "/opt/keycloak/bin/kc.sh";
/** What Keycloak writes while it runs; in the image a link. */
export const DATA = "/opt/keycloak/data";
/** The folder's name under `/var/lib`, to which the image links Keycloak's own. */
export const STATE_FOLDER = "croft-keycloak";
export const SLOT = "identity";
export const CONFIG = "/etc/croft/identity/keycloak.conf";
export const ENVIRONMENT = `/etc/croft/slots/${SLOT}/current/environment`;

/** The client of Keycloak's own realm by which croft comes in. */
export const ADMIN_CLIENT = "croft";
/** Made and removed again where croft's own secret is no longer taken. */
export const RECOVERY_CLIENT = "croft-recovery";
export const RECOVERY_PORT = 9001;
export const MASTER = "master";
export const ADMIN_SECRET = "identity/admin";

export const sessionClientOf = (app: string): string => `${app}-gateway`;
export const sessionSecretOf = (app: string): string => `identity/session/${app}`;
export const userSecretOf = (realm: string, user: string): string => `identity/user/${realm}/${user}`;

export const ADMIN_ID: ResourceId = resourceId("identity-admin", ADMIN_CLIENT);
export const realmId = (realm: string): ResourceId => resourceId("identity-realm", realm);
export const roleId = (realm: string, role: string): ResourceId => resourceId("identity-role", realm, role);
export const clientId = (realm: string, client: string): ResourceId => resourceId("identity-client", realm, client);
export const providerId = (realm: string, provider: string): ResourceId => resourceId("identity-provider", realm, provider);
export const userId = (realm: string, user: string): ResourceId => resourceId("identity-user", realm, user);
