/** Roles of a realm. */
import type { Driver } from "../../provisioner/execute/driver.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import type { Admin } from "./admin.ts";
import { needAdmin, observeInside } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { isObject, listOf, textOf } from "./shape.ts";

const pathOf = (spec: JsonObject): string => `/${textOf(spec["realm"])}/roles/${encodeURIComponent(textOf(spec["role"]))}`;

const seeRole = async (admin: Admin, spec: JsonObject): Promise<JsonObject | undefined> => {
  const found = await admin.get(pathOf(spec));
  return isObject(found) ? { composite: found["composite"] === true } : undefined;
};

/** A role that brings others along would give more than its name says. */
const applyRole = async (admin: Admin, spec: JsonObject): Promise<JsonObject> => {
  if ((await admin.get(pathOf(spec))) === undefined) await admin.post(`/${textOf(spec["realm"])}/roles`, { name: spec["role"] ?? "" });
  const others = listOf(await admin.get(`${pathOf(spec)}/composites`));
  if (others.length > 0) await admin.remove(`${pathOf(spec)}/composites`, others);
  return {};
};

export const makeRoleDriver = (entrance: Entrance): Driver => ({
  kind: "identity-role",
  observe: observeInside(entrance, seeRole),
  apply: async ({ resource: { spec } }) => applyRole(await needAdmin(entrance, spec), spec),
  remove: async ({ recorded: { spec } }) => (await needAdmin(entrance, spec)).remove(pathOf(spec)),
});
