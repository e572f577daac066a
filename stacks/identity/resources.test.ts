/** The service as resources, and what others get of it. */
import { describe, expect, test } from "vitest";
import type { App, AppOidc, Model } from "../../provisioner/model/types.ts";
import { identityDomain } from "./resources.ts";
import { OIDC, app, desireInput, model } from "./testing/model.fixture.ts";

const desire = (site: Model) => identityDomain.desire(desireInput(site));
const idsOf = (site: Model): readonly string[] => desire(site).resources.map(({ id }) => id);
const withApps = (...apps: readonly App[]): Model => ({ ...model, apps });
const publish = (site: Model) => identityDomain.publish(desireInput(site));
const withOidc = (changes: Partial<AppOidc>): Model => withApps(app({ ...OIDC, ...changes }));
const without = (service: string): Model => ({
  ...model,
  services: Object.fromEntries(Object.entries(model.services).filter(([name]) => name !== service)),
});

describe("resources", () => {
  test("one realm with everything in it, and the secrets that open it", () => {
    expect(idsOf(model)).toEqual([
      "slot/id/identity",
      "secret/identity/admin",
      "identity-admin/croft",
      "identity-realm/shop",
      "identity-role/shop/admin",
      "identity-role/shop/viewer",
      "identity-client/shop/cms",
      "secret/identity/session/shop",
      "identity-client/shop/shop-gateway",
      "secret/identity/user/shop/editor",
      "identity-user/shop/editor",
    ]);
  });

  test("no secret is in any specification", () => {
    const shown = JSON.stringify(desire(model).resources.map(({ spec }) => spec));
    expect(shown).not.toMatch(/\{\{|password":"(?!["0-9a-f])/);
  });

  test("a realm holds people: it goes only when it is named, and stays with the database's disk", () => {
    const realm = desire(model).resources.find(({ kind }) => kind === "identity-realm");
    expect(realm).toMatchObject({ data: true, keptWith: ["disk/data-db"], lostWith: ["disk/data-db"] });
  });

  test("test users are for development alone", () => {
    expect(idsOf({ ...model, mode: "production" }).filter((id) => id.includes("editor"))).toEqual([]);
  });

  test("brokered providers carry the name of a variable, never a secret", () => {
    const identity = { machine: "id", providers: { google: { clientId: "1234", secret: "GOOGLE_SECRET" } } };
    const { resources } = desire({ ...model, services: { ...model.services, identity } });
    expect(resources.find(({ kind }) => kind === "identity-provider")).toMatchObject({
      id: "identity-provider/shop/google",
      spec: { settings: { providerId: "google", config: { clientId: "1234", syncMode: "IMPORT" } } },
      payload: { secret: "GOOGLE_SECRET" },
    });
  });

  test("two apps may share a realm", () => {
    const other = { ...app({ ...OIDC, clients: [], testUsers: [], roles: ["viewer", "clerk"] }), name: "other" };
    const ids = idsOf(withApps(app(), other));
    expect(ids.filter((id) => id.startsWith("identity-realm") || id.startsWith("identity-role"))).toEqual([
      "identity-realm/shop",
      "identity-role/shop/admin",
      "identity-role/shop/viewer",
      "identity-role/shop/clerk",
    ]);
  });

  test("what two apps of a realm both want, and Keycloak's own realm, are refused", () => {
    expect(() => desire(withApps(app(), { ...app(), name: "other" }))).toThrow("both want identity-client/shop/cms");
    expect(() => desire(withOidc({ realm: "master" }))).toThrow("Keycloak's own");
  });

  test("without a gateway or a database it is refused, in words", () => {
    expect(() => desire(without("gateway"))).toThrow("reached through the gateway");
    expect(() => identityDomain.desire({ ...desireInput(), endpoints: [] })).toThrow("keeps its data in the postgres service");
  });

  test("without the section there is nothing", () => {
    expect(desire(without("identity"))).toEqual({ parts: [], flows: [], resources: [] });
    expect(identityDomain.databases?.(without("identity"))).toEqual([]);
    expect(identityDomain.roles(without("identity"))).toEqual([]);
  });
});

describe("endpoints", () => {
  test("an app gets its issuer, and the gateway a client of its own where sessions are wanted", () => {
    expect(publish(model).find(({ name }) => name === "oidc")).toEqual({
      app: "shop",
      name: "oidc",
      machine: "edge",
      port: 443,
      protocol: "https",
      properties: {
        issuer: "https://auth.shop.test/realms/shop",
        audience: "shop-api",
        realm: "shop",
        sessionClient: "shop-gateway",
        sessionSecret: "{{secret identity/session/shop}}",
        sessionSecretPrevious: "",
      },
      secrets: ["identity/session/shop"],
      needs: [
        "identity-realm/shop",
        "identity-role/shop/admin",
        "identity-role/shop/viewer",
        "identity-client/shop/cms",
        "identity-client/shop/shop-gateway",
        "secret/identity/session/shop",
      ],
    });
  });

  test("everything an endpoint needs is desired", () => {
    const ids = idsOf(model);
    for (const { needs } of publish(model)) expect(ids).toEqual(expect.arrayContaining([...needs]));
  });

  test("a provider elsewhere is an issuer and no secret, with or without the service", () => {
    const oidc = { issuer: "https://login.example.org/realms/main", sessionClient: "desk", testUsers: [], clients: [] };
    const apps = [app({ ...OIDC, ...oidc })];
    for (const site of [withApps(...apps), { ...without("identity"), apps }]) {
      expect(publish(site).find(({ name }) => name === "oidc")).toMatchObject({
        properties: { issuer: "https://login.example.org/realms/main", audience: "shop-api", realm: "shop", sessionClient: "desk" },
        secrets: [],
        needs: [],
      });
    }
    expect(idsOf(withApps(...apps)).filter((id) => id.startsWith("identity-realm"))).toEqual([]);
  });

  test("apps' realms are open to all, Keycloak's own to operators, the rest to nobody", () => {
    const published = publish(model).find(({ name }) => name === "identity")?.published;
    const operators = ["10.91.0.0/16", "203.0.113.0/24"];
    expect(published?.host).toBe("auth.shop.test");
    expect(published?.places.map(({ path, from, exact }) => [path, exact, from])).toEqual([
      ["/realms/shop/", false, []],
      ["/resources/", false, []],
      ["/admin/", false, operators],
      ["/realms/master/", false, operators],
    ]);
  });
});

describe("its machine", () => {
  test("starts after its secrets and its database, and is asked whether it is ready", () => {
    const [part] = desire(model).parts;
    expect(part).toMatchObject({ machine: "id", needs: ["slot/id/identity", "postgres-grants/keycloak"] });
    expect(part?.probes.map(({ command }) => command).join("")).toContain("http://127.0.0.1:9002/health/ready");
    expect(desire(model).flows).toEqual([{ from: "id", to: "data", port: 5432, reason: "identity keeps its data there" }]);
  });

  test("secrets are in the slot alone", () => {
    const [part] = desire(model).parts;
    expect(JSON.stringify(part)).not.toContain("{{");
    const slot = desire(model).resources.find(({ kind }) => kind === "slot");
    expect(slot).toMatchObject({
      spec: { mode: "0600", owner: "root:root" },
      needs: expect.arrayContaining(["secret/postgres/identity/owner"]),
    });
  });
});
