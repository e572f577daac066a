/** A real Keycloak on a real PostgreSQL, both with croft's configuration: what is made, what drift shows, what is repaired. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findArtifactTools } from "../../bin/platform.ts";
import { ROLES } from "../../images/roles.ts";
import { CroftError } from "../../provisioner/errors.ts";
import { ensureArtifact } from "../../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../../provisioner/artifacts/lock-file.ts";
import { DEFAULT_ROOTS, cachePaths } from "../../provisioner/model/names.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { openDatabase } from "../postgres/client.ts";
import { findServer, makeCluster } from "../postgres/testing/cluster.fixture.ts";
import type { Cluster } from "../postgres/testing/cluster.fixture.ts";
import type { Admin } from "./admin.ts";
import { HOST, hasJava, startKeycloak } from "./testing/keycloak.fixture.ts";
import type { Keycloak } from "./testing/keycloak.fixture.ts";
import { OIDC, app, insideKeycloak, model } from "./testing/model.fixture.ts";
import { askToken, authorizePath, claimsOf, redeem, send, signIn, tokenPath } from "./testing/person.fixture.ts";
import type { Tokens } from "./testing/person.fixture.ts";
import { enterAs, makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const programs = findServer();
const missing = programs === undefined || !hasJava();
const PASSWORD = "databasePassword1";
const FIRST_SECRET = "of-identity-admin";

type Entry = { readonly id: string } & Readonly<Record<string, never>>;

describe.skipIf(missing)(missing ? "a real Keycloak (skipped: needs root, java and a PostgreSQL)" : "a real Keycloak", () => {
  let cluster: Cluster;
  let keycloak: Keycloak;
  let rig: Rig;
  let secrets: Readonly<Record<string, readonly string[]>> = {};
  const secretsOf = (reference: string): readonly string[] => {
    const [name = ""] = reference.split(" ");
    return secrets[name] ?? [`of-${name.replaceAll("/", "-")}`];
  };
  const newRig = (): Rig => makeRig({ shell: async () => keycloak.shell, port: keycloak.port, secrets: secretsOf });
  const asOperator = (): Promise<Admin> => enterAs(keycloak.shell, keycloak.port, "croft", secretsOf("identity/admin")[0] ?? "");
  const first = async (admin: Admin, path: string): Promise<Entry> => ((await admin.get(path)) as unknown as readonly [Entry])[0];
  const one = (id: string): Resource => insideKeycloak().find((resource) => resource.id === id) as Resource;

  beforeAll(async () => {
    cluster = await makeCluster(programs as string);
    const database = await openDatabase(cluster.shell, "postgres");
    await database.query(`create role keycloak_owner login password '${PASSWORD}'`);
    await database.query("create database keycloak owner keycloak_owner encoding 'UTF8' template template0");
    await database.close();
    keycloak = await startKeycloak({
      archive: await ensureArtifact(await findArtifactTools(DEFAULT_ROOTS, process.env, EMPTY_LOCK), "keycloak"),
      builds: join(cachePaths().folder, "test"),
      build: ROLES["keycloak"]?.after ?? "",
      database: {
        port: cluster.port,
        name: "keycloak",
        user: "keycloak_owner",
        password: PASSWORD,
        authority: readFileSync(join(cluster.folder, "chain.pem"), "utf8"),
      },
      secret: FIRST_SECRET,
    });
    rig = newRig();
  }, 600_000);
  afterAll(async () => {
    await keycloak?.destroy();
    cluster?.destroy();
  });

  test("the first start has an administrator that is only meant to begin with, which the plan shows", async () => {
    const before = await rig.differences(insideKeycloak());
    expect(before["identity-admin/croft"]).toEqual(
      expect.arrayContaining([
        { path: "temporary", from: ["client croft"], to: [] },
        { path: "passwordGrants", from: ["admin-cli"], to: [] },
        { path: "settings.bruteForceProtected", from: false, to: true },
      ]),
    );
    const { "identity-admin/croft": _, ...rest } = before;
    expect(new Set(Object.values(rest))).toEqual(new Set(["absent"]));
  });

  test("what is missing is made, and is then as wanted; doing it again changes nothing", async () => {
    const resources = insideKeycloak();
    await rig.applyAll(resources);
    expect(await rig.differences(resources)).toEqual({});
    const look = async () => {
      const admin = await asOperator();
      const editor = await first(admin, "/shop/users?username=editor");
      return [await admin.get(`/shop/users/${editor.id}/credentials`), (await first(admin, "/shop/clients?clientId=cms")).id];
    };
    const before = await look();
    await rig.applyAll(resources);
    expect(await look()).toEqual(before);
  });

  test("somebody signs in by code and PKCE, and the tokens say what the app needs", async () => {
    const tokens = await redeem(keycloak.port, await signIn(keycloak.port, "editor", "of-identity-user-shop-editor"));
    const claims = claimsOf(tokens.access_token);
    expect(claims).toMatchObject({ iss: `https://${HOST}/realms/shop`, azp: "cms", preferred_username: "editor" });
    expect(claims["aud"]).toContain("shop-api");
    expect((claims["realm_access"] as { roles: string[] }).roles).toContain("admin");
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(300);
    const refresh = (token: string) =>
      send(keycloak.port, { path: tokenPath, form: { grant_type: "refresh_token", client_id: "cms", refresh_token: token } });
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
    expect(await refresh(tokens.refresh_token)).toMatchObject({ status: 400, text: expect.stringContaining("invalid_grant") });
  });

  test("a secret that is not the client's spends neither code nor refresh token: the gate may try two while one is rotated", async () => {
    const { port } = keycloak;
    const client = { client_id: "shop-gateway", redirect_uri: "https://desk.shop.test/_croft/session/callback" };
    const refused = { status: 401, text: expect.stringMatching(/"(invalid|unauthorized)_client"/) as string };
    const both = async (old: string, fresh: string): Promise<void> => {
      const code = await signIn(port, "editor", "of-identity-user-shop-editor", client);
      expect(await askToken(port, code, { ...client, client_secret: old })).toMatchObject(refused);
      const answer = await askToken(port, code, { ...client, client_secret: fresh });
      expect(answer.status, answer.text).toBe(200);
      const { refresh_token } = JSON.parse(answer.text) as Tokens;
      const refresh = (client_secret: string) =>
        send(port, { path: tokenPath, form: { grant_type: "refresh_token", refresh_token, client_id: "shop-gateway", client_secret } });
      expect(await refresh(old)).toMatchObject(refused);
      expect((await refresh(fresh)).status).toBe(200);
    };
    const known = secretsOf("identity/session/shop")[0] ?? "";
    await both("another one", known);
    secrets = { "identity/session/shop": ["a fresh one"] };
    await rig.apply(one("identity-client/shop/shop-gateway"));
    await both(known, "a fresh one");
    secrets = {};
    await rig.apply(one("identity-client/shop/shop-gateway"));
  });

  test("the list of hardening, one by one", async () => {
    const { port, config } = keycloak;
    const admin = await asOperator();
    const status = async (path: string) => (await send(port, { path })).status;
    const sent = async (path: string) => (await send(port, { path })).headers.location ?? "";
    const grant = async (realm: string, client: string) =>
      (
        await send(port, {
          path: `/realms/${realm}/protocol/openid-connect/token`,
          form: { grant_type: "password", client_id: client, username: "editor", password: "of-identity-user-shop-editor" },
        })
      ).text;
    const clientErrorFrom = async (from: string, forwardedFor: string): Promise<unknown> => {
      const form = { grant_type: "client_credentials", client_id: "shop-gateway", client_secret: "wrong" };
      await send(port, { path: tokenPath, form, from, forwardedFor });
      return (await first(admin, "/shop/events?max=1"))["ipAddress"];
    };
    const database = await openDatabase(cluster.shell, "postgres");
    const connections = await database.query(
      "select distinct ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where usename = 'keycloak_owner'",
    );
    await database.close();
    const realm = (await admin.get("/shop")) as Readonly<Record<string, unknown>>;
    const discovered = JSON.parse(
      (await send(port, { path: "/realms/shop/.well-known/openid-configuration", from: "127.0.0.1" })).text,
    ) as unknown;

    expect.soft(keycloak.log(), "production mode").toMatch(/Profile prod activated/);
    expect.soft(connections, "TLS to a real database, all connections").toEqual([{ ssl: true }]);
    expect.soft(config, "whose certificate is checked").toContain("sslmode=verify-full&sslrootcert=");
    expect.soft(config).toMatch(/^hostname=https:\/\/auth\.shop\.test$/m);
    expect.soft(config).toMatch(/^hostname-admin=https:\/\/auth\.shop\.test$/m);
    expect.soft(config).toMatch(/^hostname-strict=true$/m);
    expect.soft(discovered, "whoever asks").toMatchObject({ issuer: `https://${HOST}/realms/shop` });
    expect.soft(config, "requests wait in a bounded queue").toMatch(/^http-max-queued-requests=\d+$/m);
    expect.soft(await clientErrorFrom("127.0.0.3", "198.51.100.8"), "the gateway is believed").toBe("198.51.100.8");
    expect.soft(await clientErrorFrom("127.0.0.1", "198.51.100.9"), "others are not").toBe("127.0.0.1");
    expect.soft(await Promise.all(["/metrics", "/health", "/health/ready"].map(status)), "management is not here").toEqual([404, 404, 404]);
    expect.soft(config, "but on loopback").toMatch(/^http-management-host=127\.0\.0\.1$/m);
    expect.soft(realm).toMatchObject({ bruteForceProtected: true, eventsEnabled: true, eventsExpiration: 2_592_000 });
    expect.soft(realm).toMatchObject({ registrationAllowed: false, verifyEmail: true, sslRequired: "external" });
    expect.soft(realm["passwordPolicy"]).toContain("length(12)");
    expect.soft(await grant("shop", "cms"), "no direct grants").toContain("unauthorized_client");
    expect.soft(await grant("shop", "admin-cli")).toContain("unauthorized_client");
    expect.soft(await grant("master", "admin-cli")).toContain("unauthorized_client");
    expect.soft(await sent(authorizePath({ response_type: "token" })), "no implicit flow").toContain("unauthorized_client");
    expect
      .soft(await sent(authorizePath({ code_challenge: undefined, code_challenge_method: undefined })), "PKCE")
      .toContain("code_challenge");
    expect.soft(await sent(authorizePath({ code_challenge_method: "plain" })), "S256 alone").toContain("error=invalid_request");
    expect.soft(await status(authorizePath({ redirect_uri: "https://cms.shop.test.evil.test/" })), "exact redirects").toBe(400);
    expect.soft(await status(authorizePath({ redirect_uri: "http://cms.shop.test/" }))).toBe(400);
    expect.soft(await admin.get("/master/users"), "no administrator with a password").toEqual([]);
    expect.soft(await rig.differences([one("identity-admin/croft")]), "none to begin with").toEqual({});
  });

  const drifts: readonly {
    readonly what: string;
    readonly id: string;
    readonly shown: string;
    readonly change: (admin: Admin) => Promise<void>;
  }[] = [
    {
      what: "tokens that live long",
      id: "identity-realm/shop",
      shown: "settings.accessTokenLifespan",
      change: async (admin) => admin.put("/shop", { accessTokenLifespan: 86_400 }),
    },
    {
      what: "guessing without end",
      id: "identity-realm/shop",
      shown: "settings.bruteForceProtected",
      change: async (admin) => admin.put("/shop", { bruteForceProtected: false }),
    },
    {
      what: "a way back to another site",
      id: "identity-client/shop/cms",
      shown: "settings.redirectUris",
      change: async (admin) => {
        const found = await first(admin, "/shop/clients?clientId=cms");
        await admin.put(`/shop/clients/${found.id}`, { ...found, redirectUris: ["https://cms.shop.test/*", "https://evil.test/*"] });
      },
    },
    {
      what: "PKCE no longer asked for",
      id: "identity-client/shop/cms",
      shown: "settings.attributes.pkce.code.challenge.method",
      change: async (admin) => {
        const found = await first(admin, "/shop/clients?clientId=cms");
        await admin.put(`/shop/clients/${found.id}`, { ...found, attributes: { "pkce.code.challenge.method": "" } });
      },
    },
    {
      what: "a role that a client writes into every token",
      id: "identity-client/shop/cms",
      shown: "mappers.everybody",
      change: async (admin) => {
        const found = await first(admin, "/shop/clients?clientId=cms");
        await admin.post(`/shop/clients/${found.id}/protocol-mappers/models`, {
          name: "everybody",
          protocol: "openid-connect",
          protocolMapper: "oidc-hardcoded-role-mapper",
          config: { role: "admin" },
        });
      },
    },
    {
      what: "another secret of the gateway's client",
      id: "identity-client/shop/shop-gateway",
      shown: "secret",
      change: async (admin) =>
        admin.post(`/shop/clients/${(await first(admin, "/shop/clients?clientId=shop-gateway")).id}/client-secret`, {}),
    },
    {
      what: "a role that brings another",
      id: "identity-role/shop/viewer",
      shown: "composite",
      change: async (admin) => admin.post("/shop/roles/viewer/composites", [(await admin.get("/shop/roles/admin")) ?? {}]),
    },
    {
      what: "a password set by somebody",
      id: "identity-user/shop/editor",
      shown: "password",
      change: async (admin) => {
        const { id } = await first(admin, "/shop/users?username=editor");
        await admin.put(`/shop/users/${id}/reset-password`, { type: "password", value: "anotherPassword1", temporary: false });
      },
    },
    {
      what: "a role too many",
      id: "identity-user/shop/editor",
      shown: "roles",
      change: async (admin) => {
        const { id } = await first(admin, "/shop/users?username=editor");
        await admin.post(`/shop/users/${id}/role-mappings/realm`, [(await admin.get("/shop/roles/viewer")) ?? {}]);
      },
    },
    {
      what: "passwords taken by Keycloak's own client",
      id: "identity-admin/croft",
      shown: "passwordGrants",
      change: async (admin) => {
        const found = await first(admin, "/master/clients?clientId=admin-cli");
        await admin.put(`/master/clients/${found.id}`, { ...found, directAccessGrantsEnabled: true });
      },
    },
  ];

  test.each(drifts)("$what: shown and repaired", async ({ id, shown, change }) => {
    await change(await asOperator());
    const wrong = await rig.differences(insideKeycloak());
    expect(Object.keys(wrong)).toEqual([id]);
    expect((wrong[id] as readonly { path: string }[]).map(({ path }) => path)).toEqual([shown]);
    await rig.apply(one(id));
    expect(await rig.differences(insideKeycloak())).toEqual({});
  });

  test("what is deleted at the console is absent and made again", async () => {
    const admin = await asOperator();
    await admin.remove("/shop/roles/viewer");
    expect(await rig.differences(insideKeycloak())).toEqual({ "identity-role/shop/viewer": "absent" });
    await rig.apply(one("identity-role/shop/viewer"));
    expect(await rig.differences(insideKeycloak())).toEqual({});
  });

  test("another client is made and removed; one that croft did not make stays", async () => {
    const admin = await asOperator();
    await admin.post("/shop/clients", { clientId: "by-hand", publicClient: true, redirectUris: ["https://hand.test/"] });
    const clients = [...OIDC.clients, { id: "kiosk", redirects: ["https://kiosk.shop.test/back"] }];
    const kiosk = insideKeycloak({ ...model, apps: [app({ ...OIDC, clients })] }).filter(({ id }) => id === "identity-client/shop/kiosk");
    await rig.applyAll(kiosk);
    expect(await rig.differences(kiosk)).toEqual({});
    for (const resource of kiosk) await rig.remove(resource);
    for (const resource of kiosk) await rig.remove(resource);
    expect(await rig.differences(kiosk)).toEqual({ "identity-client/shop/kiosk": "absent" });
    expect(await first(admin, "/shop/clients?clientId=by-hand")).toMatchObject({ redirectUris: ["https://hand.test/"] });
    expect(await rig.differences(insideKeycloak())).toEqual({});
  });

  test("a provider elsewhere, with a secret from croft's environment and mail from a server", async () => {
    const identity = {
      machine: "id",
      providers: { google: { clientId: "1234", secret: "GOOGLE_SECRET" } },
      smtp: { host: "mail.shop.test", from: "login@shop.test", user: "login", password: "SMTP_PASSWORD" },
    };
    const site = insideKeycloak({ ...model, services: { ...model.services, identity } });
    await rig.applyAll(site);
    expect(await rig.differences(site)).toEqual({});
    const admin = await asOperator();
    expect(await admin.get("/shop")).toMatchObject({ resetPasswordAllowed: true, smtpServer: { host: "mail.shop.test", auth: "true" } });
    expect(await admin.get("/shop/identity-provider/instances/google")).toMatchObject({ enabled: true, config: { clientId: "1234" } });
    const google = site.filter(({ kind }) => kind === "identity-provider");
    for (const resource of google) await rig.remove(resource);
    expect(await rig.differences(google)).toEqual({ "identity-provider/shop/google": "absent" });
    await rig.applyAll(insideKeycloak());
  });

  test("somebody is invited: a password for one sign-in, then a role more", async () => {
    const invitation = { machine: "id", address: "127.0.0.1", realm: "shop", email: "New@Example.test", role: "admin", mail: false };
    const invited = await rig.invite(invitation);
    const password = invited.kind === "password" ? invited.password : "";
    expect(password).toHaveLength(20);
    const reply = await signIn(keycloak.port, "new@example.test", password);
    expect(reply.headers.location).toContain("execution=UPDATE_PASSWORD");
    expect(await rig.invite({ ...invitation, role: "viewer" })).toEqual({ kind: "known" });
    await expect(rig.invite({ ...invitation, role: "nobody" })).rejects.toThrow("has no role nobody");
    expect(await rig.differences(insideKeycloak()), "people are their own").toEqual({});
  });

  test("a stopped machine hides everything", async () => {
    const gone = () => Promise.reject(new CroftError("TRANSPORT", "it does not run", { transient: true }));
    const resources = insideKeycloak();
    const hidden = await makeRig({ shell: gone, port: keycloak.port, secrets: secretsOf }).differences(resources);
    expect(hidden).toEqual(Object.fromEntries(resources.map(({ id }) => [id, "hidden by machine/id"])));
  });

  test("croft's own secret is rotated with the one before", async () => {
    const rotated = insideKeycloak(model, { "identity/admin": 1 });
    secrets = { "identity/admin": ["second-secret-of-croft", FIRST_SECRET] };
    rig = newRig();
    expect(Object.keys(await rig.differences(rotated))).toEqual(["identity-admin/croft"]);
    await rig.apply(rotated[0] as Resource);
    secrets = { "identity/admin": ["second-secret-of-croft"] };
    rig = newRig();
    expect(await rig.differences(rotated)).toEqual({});
  });

  test("with no secret that is taken, croft comes in by way of the machine and leaves nobody behind", async () => {
    secrets = { "identity/admin": ["third-secret-of-croft"] };
    rig = newRig();
    const resources = insideKeycloak();
    const hidden = await rig.differences(resources);
    expect(hidden["identity-admin/croft"]).toBe("absent");
    expect(hidden["identity-realm/shop"]).toBe("hidden by identity-admin/croft");
    await rig.apply(resources[0] as Resource);
    expect(await rig.differences(resources)).toEqual({});
    expect(await (await asOperator()).get("/master/clients?clientId=croft-recovery")).toEqual([]);
  });

  test("neither log nor plan holds a secret", async () => {
    const log = keycloak.log();
    for (const secret of [PASSWORD, FIRST_SECRET, "second-secret-of-croft", "of-identity-session-shop", "of-identity-user-shop-editor"])
      expect(log).not.toContain(secret);
  });

  test("a realm is removed whole", async () => {
    await rig.remove(one("identity-realm/shop"));
    expect((await rig.differences(insideKeycloak()))["identity-realm/shop"]).toBe("absent");
  });
});
