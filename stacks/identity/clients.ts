/** Clients of a realm, with all that they add to tokens by themselves. */
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { Json, JsonObject } from "../../provisioner/plan/resource.ts";
import type { Admin } from "./admin.ts";
import { needAdmin, needSecret, observeInside } from "./entrance.ts";
import type { Entrance } from "./entrance.ts";
import { listOf, mergeOver, objectOf, pickLike, textOf } from "./shape.ts";

const realmOf = (spec: JsonObject): string => textOf(spec["realm"]);

export const findClient = async (admin: Admin, realm: string, client: string): Promise<JsonObject | undefined> => {
  const found = listOf(await admin.get(`/${realm}/clients?clientId=${encodeURIComponent(client)}`))[0];
  return found === undefined ? undefined : objectOf(found);
};

const mappersOf = (client: JsonObject): readonly JsonObject[] => listOf(client["protocolMappers"]).map(objectOf);

/** Every mapper, wanted or not; of a wanted one only what is wanted of it. */
const mapperFacts = (client: JsonObject, wanted: JsonObject): JsonObject =>
  Object.fromEntries(
    mappersOf(client).map((mapper) => {
      const name = textOf(mapper["name"]);
      const found = { type: mapper["protocolMapper"] ?? "", config: mapper["config"] ?? {} };
      return [name, wanted[name] === undefined ? found : pickLike(found, wanted[name])];
    }),
  );

const secretFact = async (entrance: Entrance, spec: JsonObject, request: ObserveRequest, found: JsonObject): Promise<JsonObject> => {
  if (spec["secret"] === undefined) return {};
  const name = (request.resource?.payload as { secret?: string } | undefined)?.secret;
  if (name === undefined) return { secret: spec["secret"] };
  const [value] = await entrance.tools.secrets(name);
  return { secret: value !== undefined && value === found["secret"] ? spec["secret"] : "another one" };
};

const seeClient =
  (entrance: Entrance) =>
  async (admin: Admin, spec: JsonObject, request: ObserveRequest): Promise<JsonObject | undefined> => {
    const found = await findClient(admin, realmOf(spec), textOf(spec["client"]));
    if (found === undefined) return undefined;
    return {
      settings: pickLike(found, spec["settings"] ?? {}),
      mappers: mapperFacts(found, objectOf(spec["mappers"])),
      ...(await secretFact(entrance, spec, request, found)),
    };
  };

const wantedMappers = (spec: JsonObject): readonly JsonObject[] =>
  Object.entries(objectOf(spec["mappers"])).map(([name, value]) => ({
    name,
    protocol: "openid-connect",
    protocolMapper: objectOf(value)["type"] ?? "",
    config: objectOf(value)["config"] ?? {},
  }));

/** The client's mappers are croft's: others, which could write any role into a token, go. */
const applyMappers = async (admin: Admin, spec: JsonObject, client: JsonObject): Promise<void> => {
  const path = `/${realmOf(spec)}/clients/${textOf(client["id"])}/protocol-mappers/models`;
  for (const mapper of mappersOf(client)) await admin.remove(`${path}/${textOf(mapper["id"])}`);
  for (const mapper of wantedMappers(spec)) await admin.post(path, mapper);
};

const applyClient = async (entrance: Entrance, request: ApplyRequest): Promise<JsonObject> => {
  const { spec, payload } = request.resource;
  const admin = await needAdmin(entrance, spec);
  const name = (payload as { secret?: string } | undefined)?.secret;
  const secret: JsonObject = name === undefined ? {} : { secret: await needSecret(entrance.tools, name) };
  const client = textOf(spec["client"]);
  const wanted: JsonObject = { clientId: client, ...objectOf(spec["settings"]), ...secret };
  const before = await findClient(admin, realmOf(spec), client);
  if (before === undefined) await admin.post(`/${realmOf(spec)}/clients`, wanted as Json);
  else await admin.put(`/${realmOf(spec)}/clients/${textOf(before["id"])}`, mergeOver(before, wanted));
  await applyMappers(admin, spec, (await findClient(admin, realmOf(spec), client)) ?? {});
  return {};
};

const removeClient = async (admin: Admin, spec: JsonObject): Promise<void> => {
  const found = await findClient(admin, realmOf(spec), textOf(spec["client"]));
  if (found !== undefined) await admin.remove(`/${realmOf(spec)}/clients/${textOf(found["id"])}`);
};

export const makeClientDriver = (entrance: Entrance): Driver => ({
  kind: "identity-client",
  observe: observeInside(entrance, seeClient(entrance)),
  apply: (request) => applyClient(entrance, request),
  remove: async ({ recorded: { spec } }) => removeClient(await needAdmin(entrance, spec), spec),
});
