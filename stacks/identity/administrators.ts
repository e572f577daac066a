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
import { ADMIN_CLIENT, ADMIN_SECRET, CONFIG, DATA, ENVIRONMENT, MASTER, PROGRAM, RECOVERY_CLIENT, RECOVERY_PORT } from "./names.ts";
import { passwordGrants, shutPasswordGrants } from "./realms.ts";
import { isObject, listOf, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

/** How Keycloak marks administrators that shall not stay. */
const TEMPORARY = "is_temporary_admin";

/** A person carries the mark where nobody sees it, but Keycloak finds it. */
const temporaryUsers = async (admin: Admin): Promise<readonly JsonObject[]> =>
  listOf(await admin.get(`/${MASTER}/users?q=${TEMPORARY}:true&max=100`)).map(objectOf);

const temporaryClients = async (admin: Admin): Promise<readonly JsonObject[]> =>
  listOf(await admin.get(`/${MASTER}/clients`))
    .map(objectOf)
    .filter((client) => objectOf(client["attributes"])[TEMPORARY] === "true");

const temporaryNames = async (admin: Admin): Promise<readonly string[]> => {
  const clients = (await temporaryClients(admin)).map((client) => `client ${textOf(client["clientId"])}`);
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

/** Beside the running server, with a folder and a port of its own and little memory. */
const RECOVER = sh`set -a; . ${ENVIRONMENT}; CROFT_RECOVERY=$(cat); JAVA_OPTS_KC_HEAP=-Xmx192m; KC_HTTP_MANAGEMENT_PORT=${RECOVERY_PORT}; exec unshare --mount sh -euc ${`mount -t tmpfs -o mode=1777 tmpfs ${DATA}; ${PROGRAM_ALONE.text}`}`;

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
  const made = await findClient(admin, MASTER, ADMIN_CLIENT);
  const account = objectOf(await admin.get(`/${MASTER}/clients/${textOf(made?.["id"])}/service-account-user`));
  const role = await admin.get(`/${MASTER}/roles/admin`);
  await admin.post(`/${MASTER}/users/${textOf(account["id"])}/role-mappings/realm`, [role ?? {}]);
};

/** Croft's own client loses the mark alone; whoever else carries it goes. */
const endTemporary = async (admin: Admin): Promise<void> => {
  for (const user of await temporaryUsers(admin)) await admin.remove(`/${MASTER}/users/${textOf(user["id"])}`);
  for (const client of await temporaryClients(admin)) {
    const path = `/${MASTER}/clients/${textOf(client["id"])}`;
    if (client["clientId"] !== ADMIN_CLIENT) await admin.remove(path);
    else await admin.put(path, mergeOver(client, { attributes: { [TEMPORARY]: "" } }));
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
