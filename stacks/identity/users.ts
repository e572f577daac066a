/** People whom croft makes: with settings, roles of their realm and a password that croft knows. */
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { Json, JsonObject } from "../../provisioner/plan/resource.ts";
import type { Admin } from "./admin.ts";
import { needAdmin, needSecret, observeInside } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { isObject, listOf, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

const realmOf = (spec: JsonObject): string => textOf(spec["realm"]);

export const findUser = async (admin: Admin, realm: string, user: string): Promise<JsonObject | undefined> => {
  const found = listOf(await admin.get(`/${realm}/users?exact=true&username=${encodeURIComponent(user)}`))[0];
  return isObject(found) ? found : undefined;
};

/** Every realm gives this one to everybody. */
const isDefault = (realm: string, role: JsonObject): boolean => role["name"] === `default-roles-${realm}`;

type Person = { readonly realm: string; readonly path: string };

const rolesOf = async (admin: Admin, { realm, path }: Person): Promise<readonly JsonObject[]> =>
  listOf(await admin.get(`${path}/role-mappings/realm`))
    .map(objectOf)
    .filter((role) => !isDefault(realm, role));

const passwordOf = async (admin: Admin, { path }: Person): Promise<JsonObject | undefined> =>
  listOf(await admin.get(`${path}/credentials`))
    .map(objectOf)
    .find(({ type }) => type === "password");

/** A password cannot be read back: its label says which version it is, and when that was set. */
const labelOf = (version: Json | undefined, created: Json | undefined): string => `croft ${textOf(version)} ${String(created ?? "")}`;

const seeUser = async (admin: Admin, spec: JsonObject): Promise<JsonObject | undefined> => {
  const realm = realmOf(spec);
  const found = await findUser(admin, realm, textOf(spec["user"]));
  if (found === undefined) return undefined;
  const person = { realm, path: `/${realm}/users/${textOf(found["id"])}` };
  const password = await passwordOf(admin, person);
  const fits = password?.["userLabel"] === labelOf(spec["password"], password?.["createdDate"]);
  return {
    settings: pickLike(found, spec["settings"] ?? {}),
    roles: (await rolesOf(admin, person)).map(({ name }) => textOf(name)).toSorted(),
    password: fits ? (spec["password"] ?? "") : "another one",
  };
};

export const applyRoles = async (admin: Admin, person: Person, wanted: readonly string[]): Promise<void> => {
  const path = `${person.path}/role-mappings/realm`;
  const before = await rolesOf(admin, person);
  const extra = before.filter(({ name }) => !wanted.includes(textOf(name)));
  if (extra.length > 0) await admin.remove(path, extra);
  const missing = wanted.filter((role) => !before.some(({ name }) => name === role));
  const found = await Promise.all(missing.map((role) => admin.get(`/${person.realm}/roles/${encodeURIComponent(role)}`)));
  if (missing.length > 0) await admin.post(path, found.map(objectOf));
};

const applyPassword = async (admin: Admin, person: Person, spec: JsonObject, value: string): Promise<void> => {
  await admin.put(`${person.path}/reset-password`, { type: "password", value, temporary: false });
  const made = await passwordOf(admin, person);
  const label = labelOf(spec["password"], made?.["createdDate"]);
  await admin.putText(`${person.path}/credentials/${textOf(made?.["id"])}/userLabel`, label);
};

const applyUser = async (entrance: Entrance, request: ApplyRequest): Promise<JsonObject> => {
  const { spec, payload } = request.resource;
  const realm = realmOf(spec);
  const admin = await needAdmin(entrance, spec);
  const user = textOf(spec["user"]);
  const before = await findUser(admin, realm, user);
  const settings = objectOf(spec["settings"]);
  if (before === undefined) await admin.post(`/${realm}/users`, { username: user, ...settings });
  else await admin.put(`/${realm}/users/${textOf(before["id"])}`, mergeOver(before, settings));
  const found = await findUser(admin, realm, user);
  const person = { realm, path: `/${realm}/users/${textOf(found?.["id"])}` };
  await applyRoles(admin, person, listOf(spec["roles"]).map(textOf));
  const seen = await seeUser(admin, spec);
  if (seen?.["password"] !== spec["password"]) {
    await applyPassword(admin, person, spec, await needSecret(entrance.tools, (payload as { secret: string }).secret));
  }
  return {};
};

const removeUser = async (admin: Admin, spec: JsonObject): Promise<void> => {
  const found = await findUser(admin, realmOf(spec), textOf(spec["user"]));
  if (found !== undefined) await admin.remove(`/${realmOf(spec)}/users/${textOf(found["id"])}`);
};

export const makeUserDriver = (entrance: Entrance): Driver => ({
  kind: "identity-user",
  observe: observeInside(entrance, seeUser),
  apply: (request) => applyUser(entrance, request),
  remove: async ({ recorded: { spec } }) => removeUser(await needAdmin(entrance, spec), spec),
});
