/** Realms: their settings, and Keycloak's own client for password grants shut in each. */
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { Json, JsonObject } from "../../provisioner/plan/resource.ts";
import type { Admin } from "./admin.ts";
import { needAdmin, observeInside } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { isObject, listOf, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

/** Keycloak makes this client in every realm; by default it takes anybody's name and password. */
const PASSWORD_CLIENT = "admin-cli";

const passwordClient = async (admin: Admin, realm: string): Promise<JsonObject | undefined> =>
  objectOf(listOf(await admin.get(`/${realm}/clients?clientId=${PASSWORD_CLIENT}`))[0]);

/** Clients of Keycloak's own in a realm that take passwords. */
export const passwordGrants = async (admin: Admin, realm: string): Promise<readonly string[]> => {
  const found = await passwordClient(admin, realm);
  return found?.["directAccessGrantsEnabled"] === true ? [PASSWORD_CLIENT] : [];
};

export const shutPasswordGrants = async (admin: Admin, realm: string): Promise<void> => {
  const found = await passwordClient(admin, realm);
  if (found?.["directAccessGrantsEnabled"] !== true) return;
  await admin.put(`/${realm}/clients/${textOf(found["id"])}`, { ...found, directAccessGrantsEnabled: false });
};

/** Null says that Keycloak did not name it. */
const seeRealm = async (admin: Admin, spec: JsonObject): Promise<JsonObject | undefined> => {
  const realm = textOf(spec["realm"]);
  const found = await admin.get(`/${realm}`);
  if (!isObject(found)) return undefined;
  return { passwordGrants: await passwordGrants(admin, realm), settings: pickLike(found, spec["settings"] ?? {}) };
};

/** The variable is read only here, so that a plan needs no secret. @throws CroftError SECRET */
export const readVariable = (entrance: Entrance, name: string): string => {
  const value = entrance.tools.variable(name);
  if (value !== undefined && value !== "") return value;
  throw new CroftError("SECRET", `the variable ${name} is not set, and services.identity names it`, { hint: `${name}=… croft up` });
};

const withPassword = (entrance: Entrance, settings: JsonObject, variable: string | undefined): JsonObject => {
  const smtp = settings["smtpServer"];
  if (variable === undefined || !isObject(smtp)) return settings;
  return { ...settings, smtpServer: { ...smtp, password: readVariable(entrance, variable) } };
};

const applyRealm = async (entrance: Entrance, request: ApplyRequest): Promise<JsonObject> => {
  const { spec, payload } = request.resource;
  const realm = textOf(spec["realm"]);
  const admin = await needAdmin(entrance, spec);
  const variable = (payload as { smtpPassword?: string } | undefined)?.smtpPassword;
  const settings = withPassword(entrance, objectOf(spec["settings"]), variable);
  const found = await admin.get(`/${realm}`);
  if (isObject(found)) await admin.put(`/${realm}`, mergeOver(found, settings));
  else {
    await admin.post("", { realm, ...settings } as Json);
    // Rights over a new realm are in no token that was given before.
    entrance.forget();
  }
  await shutPasswordGrants(await needAdmin(entrance, spec), realm);
  return {};
};

export const makeRealmDriver = (entrance: Entrance): Driver => ({
  kind: "identity-realm",
  observe: observeInside(entrance, seeRealm),
  apply: (request) => applyRealm(entrance, request),
  remove: async ({ recorded: { spec } }) => (await needAdmin(entrance, spec)).remove(`/${textOf(spec["realm"])}`),
});
