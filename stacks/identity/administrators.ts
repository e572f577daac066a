/** Who administers Keycloak: croft's own client, for good; nobody who was made to begin with. */
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { must } from "../../provisioner/transport/shell.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { openAdmin } from "./admin.ts";
import type { Admin } from "./admin.ts";
import { findClient } from "./clients.ts";
import { needSecret, present, specOf } from "./entrance.ts";
import type { Entered, Entrance } from "./entrance.ts";
import { ADMIN_CLIENT, ADMIN_SECRET, CONFIG, DATA, ENVIRONMENT, MASTER, PROGRAM, RECOVERY_CLIENT } from "./names.ts";
import { passwordGrants, shutPasswordGrants } from "./realms.ts";
import { isObject, listOf, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

/** How Keycloak marks administrators that shall not stay. */
const TEMPORARY = "is_temporary_admin";

const isTemporary = (user: JsonObject): boolean => listOf(objectOf(user["attributes"])[TEMPORARY]).includes("true");

const serviceAccount = async (admin: Admin, client: JsonObject): Promise<JsonObject> =>
  objectOf(await admin.get(`/${MASTER}/clients/${textOf(client["id"])}/service-account-user`));

/** Clients of Keycloak's own realm that may sign in by themselves, each with its account. */
const accounts = async (admin: Admin): Promise<readonly (readonly [JsonObject, JsonObject])[]> => {
  const clients = listOf(await admin.get(`/${MASTER}/clients`)).map(objectOf);
  const able = clients.filter((client) => client["serviceAccountsEnabled"] === true);
  return Promise.all(able.map(async (client) => [client, await serviceAccount(admin, client)] as const));
};

const temporaryUsers = async (admin: Admin): Promise<readonly JsonObject[]> =>
  listOf(await admin.get(`/${MASTER}/users?q=${TEMPORARY}:true&briefRepresentation=false&max=100`))
    .map(objectOf)
    .filter((user) => isTemporary(user) && user["serviceAccountClientId"] === undefined);

const temporaryNames = async (admin: Admin): Promise<readonly string[]> => {
  const clients = (await accounts(admin)).filter(([, user]) => isTemporary(user)).map(([client]) => `client ${textOf(client["clientId"])}`);
  const users = (await temporaryUsers(admin)).map(({ username }) => `user ${textOf(username)}`);
  return [...clients, ...users].toSorted();
};

const seeAdmin = async ({ admin, current }: Entered, spec: JsonObject): Promise<JsonObject> => ({
  ...spec,
  secret: current ? (spec["secret"] ?? "") : "another one",
  temporary: await temporaryNames(admin),
  passwordGrants: await passwordGrants(admin, MASTER),
  settings: pickLike(await admin.get(`/${MASTER}`), spec["settings"] ?? {}),
});

const observeAdmin = (entrance: Entrance, request: ObserveRequest): Promise<Observation> => {
  const spec = specOf(request);
  return hiddenWhenUnreachable(textOf(spec["machine"]), async () => {
    const entered = await entrance.enter(spec);
    return entered === undefined ? { status: "absent" } : present(await seeAdmin(entered, spec));
  });
};

const PROGRAM_ALONE = sh`exec setpriv --reuid=nobody --regid=nogroup --clear-groups ${PROGRAM} --config-file=${CONFIG} bootstrap-admin service --client-id=${RECOVERY_CLIENT} --client-secret:env=CROFT_RECOVERY --no-prompt --optimized`;

/** Beside the running server, with a folder of its own to write in and little memory. */
const RECOVER = sh`set -a; . ${ENVIRONMENT}; CROFT_RECOVERY=$(cat); JAVA_OPTS_KC_HEAP=-Xmx192m; exec unshare --mount sh -euc ${`mount -t tmpfs -o mode=1777 tmpfs ${DATA}; ${PROGRAM_ALONE.text}`}`;

/** Keycloak's own way back in, which asks for its database's password: that lies on the machine alone. */
const recover = async (entrance: Entrance, spec: JsonObject, secret: string): Promise<Admin> => {
  const place = await entrance.placeOf(spec);
  await must(place.shell, "asking Keycloak for a new administrator", RECOVER, { input: secret, timeoutMs: 180_000 });
  const admin = await openAdmin(place, RECOVERY_CLIENT, secret);
  if (admin !== undefined) return admin;
  throw new CroftError("IDENTITY", "Keycloak made a new administrator and does not let it in");
};

/** croft's client may do everything by the role `admin` of Keycloak's own realm. */
const ensureClient = async (admin: Admin, secret: string): Promise<void> => {
  const wanted = {
    clientId: ADMIN_CLIENT,
    name: "croft",
    enabled: true,
    protocol: "openid-connect",
    publicClient: false,
    clientAuthenticatorType: "client-secret",
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    secret,
  };
  const found = await findClient(admin, MASTER, ADMIN_CLIENT);
  if (found === undefined) await admin.post(`/${MASTER}/clients`, wanted);
  else await admin.put(`/${MASTER}/clients/${textOf(found["id"])}`, mergeOver(found, wanted));
  const account = await serviceAccount(admin, (await findClient(admin, MASTER, ADMIN_CLIENT)) ?? {});
  const role = await admin.get(`/${MASTER}/roles/admin`);
  await admin.post(`/${MASTER}/users/${textOf(account["id"])}/role-mappings/realm`, [role ?? {}]);
};

/** Croft's own account keeps everything but the mark; whoever else carries it goes. */
const endTemporary = async (admin: Admin): Promise<void> => {
  for (const user of await temporaryUsers(admin)) await admin.remove(`/${MASTER}/users/${textOf(user["id"])}`);
  for (const [client, user] of await accounts(admin)) {
    if (!isTemporary(user)) continue;
    if (client["clientId"] !== ADMIN_CLIENT) await admin.remove(`/${MASTER}/clients/${textOf(client["id"])}`);
    else {
      const { [TEMPORARY]: _, ...attributes } = objectOf(user["attributes"]);
      await admin.put(`/${MASTER}/users/${textOf(user["id"])}`, { ...user, attributes });
    }
  }
};

const applyAdmin = async (entrance: Entrance, request: ApplyRequest): Promise<JsonObject> => {
  const { spec } = request.resource;
  const secret = await needSecret(entrance.tools, ADMIN_SECRET);
  const entered = await entrance.enter(spec);
  if (entered === undefined || !entered.current) {
    await ensureClient(entered?.admin ?? (await recover(entrance, spec, secret)), secret);
    entrance.forget();
  }
  const again = await entrance.enter(spec);
  if (again === undefined) throw new CroftError("IDENTITY", `Keycloak does not let its client ${ADMIN_CLIENT} in`);
  const { admin } = again;
  await endTemporary(admin);
  await shutPasswordGrants(admin, MASTER);
  const master = await admin.get(`/${MASTER}`);
  if (isObject(master)) await admin.put(`/${MASTER}`, mergeOver(master, objectOf(spec["settings"])));
  return {};
};

export const makeAdminDriver = (entrance: Entrance): Driver => ({
  kind: "identity-admin",
  observe: observeEach((request) => observeAdmin(entrance, request)),
  apply: (request) => applyAdmin(entrance, request),
  // It goes with the database; until then somebody has to administer.
  remove: async () => {},
});
