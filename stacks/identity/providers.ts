/** Providers elsewhere from which people may sign in to a realm. */
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import type { Admin } from "./admin.ts";
import { needAdmin, observeInside } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { readVariable } from "./realms.ts";
import { isObject, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

const folderOf = (spec: JsonObject): string => `/${textOf(spec["realm"])}/identity-provider/instances`;
const pathOf = (spec: JsonObject): string => `${folderOf(spec)}/${textOf(spec["alias"])}`;

/** Keycloak shows the client's secret to nobody: whether it is the right one only the provider can tell. */
const seeProvider = async (admin: Admin, spec: JsonObject): Promise<JsonObject | undefined> => {
  const found = await admin.get(pathOf(spec));
  return isObject(found) ? { settings: pickLike(found, spec["settings"] ?? {}) } : undefined;
};

const applyProvider = async (entrance: Entrance, request: ApplyRequest): Promise<JsonObject> => {
  const { spec, payload } = request.resource;
  const admin = await needAdmin(entrance, spec);
  const clientSecret = readVariable(entrance, (payload as { secret: string }).secret);
  const wanted = mergeOver({ alias: spec["alias"] ?? "", ...objectOf(spec["settings"]) }, {});
  const full = { ...wanted, config: { ...objectOf(wanted["config"]), clientSecret } };
  const found = await admin.get(pathOf(spec));
  if (isObject(found)) await admin.put(pathOf(spec), mergeOver(found, full));
  else await admin.post(folderOf(spec), full);
  return {};
};

export const makeProviderDriver = (entrance: Entrance): Driver => ({
  kind: "identity-provider",
  observe: observeInside(entrance, seeProvider),
  apply: (request) => applyProvider(entrance, request),
  remove: async ({ recorded: { spec } }) => (await needAdmin(entrance, spec)).remove(pathOf(spec)),
});
