/** A real Keycloak behind the gate: its keys change, it stops, its database stops; gate and nginx are never restarted. */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findArtifactTools } from "../../bin/platform.ts";
import { ROLES } from "../../images/roles.ts";
import type { Gateway } from "../../nginx/gateway.fixture.ts";
import { findNginxRoot } from "../../nginx/gateway.fixture.ts";
import type { Gate } from "../../nginx/gate/gate.fixture.ts";
import { sign } from "../../nginx/gate/provider.fixture.ts";
import { ensureArtifact } from "../../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../../provisioner/artifacts/lock-file.ts";
import { DEFAULT_ROOTS, cachePaths } from "../../provisioner/model/names.ts";
import { hasJava, startKeycloak } from "../../stacks/identity/testing/keycloak.fixture.ts";
import type { Input, Keycloak } from "../../stacks/identity/testing/keycloak.fixture.ts";
import { OIDC, app, insideKeycloak, model } from "../../stacks/identity/testing/model.fixture.ts";
import { redeem, signIn } from "../../stacks/identity/testing/person.fixture.ts";
import { enterAs, makeRig } from "../../stacks/identity/testing/rig.fixture.ts";
import { openDatabase } from "../../stacks/postgres/client.ts";
import { findServer, makeCluster } from "../../stacks/postgres/testing/cluster.fixture.ts";
import type { Cluster } from "../../stacks/postgres/testing/cluster.fixture.ts";
import { startFront } from "./front.ts";
import type { Front } from "./front.ts";
import { Recorder } from "./recorder.ts";
import { readExample, startGateway, startPolicies } from "./rig.ts";

const root = findNginxRoot();
const programs = findServer();
const missing = root === undefined || programs === undefined || !hasJava();
const title = "a real Keycloak behind the gate";
const PASSWORD = "databasePassword1";
const PATIENCE = { timeout: 60_000, interval: 300 };
const secretOf = (name: string): string => `of-${name.replaceAll("/", "-")}`;

const ROLE = "portfolio-admin";
const site = { ...model, apps: [app({ ...OIDC, roles: [ROLE], testUsers: [{ name: "editor", roles: [ROLE] }] })] };

type KeyProvider = { readonly id: string; readonly providerId: string; readonly parentId: string };

describe.skipIf(missing)(missing ? `${title} (skipped: needs root, java, a PostgreSQL and an nginx root)` : title, () => {
  let cluster: Cluster;
  let input: Input;
  let keycloak: Keycloak;
  let front: Front;
  let gateway: Gateway;
  let gate: Gate;
  let api: Recorder;

  const start = async (): Promise<void> => {
    keycloak = await startKeycloak(input);
    front.target = keycloak.port;
  };
  const login = async (): Promise<string> =>
    (await redeem(keycloak.port, await signIn(keycloak.port, "editor", secretOf("identity/user/shop/editor")))).access_token;
  const status = async (token: string): Promise<number> =>
    (await gateway.ask("/api/x", { host: "cms.portfolio.test", headers: { authorization: `Bearer ${token}` } })).status;

  beforeAll(async () => {
    cluster = await makeCluster(programs ?? "");
    const database = await openDatabase(cluster.shell, "postgres");
    await database.query(`create role keycloak_owner login password '${PASSWORD}'`);
    await database.query("create database keycloak owner keycloak_owner encoding 'UTF8' template template0");
    await database.close();
    front = await startFront();
    input = {
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
      secret: secretOf("identity/admin"),
      host: front.host,
    };
    await start();
    const rig = makeRig({ shell: async () => keycloak.shell, port: keycloak.port, secrets: (name) => [secretOf(name)] });
    await rig.applyAll(insideKeycloak(site));
    api = await Recorder.start();
    const started = await startGateway(root ?? "", await readExample(), api.port);
    gateway = started.gateway;
    const trusted = { url: `https://${front.host}/realms/shop`, authority: front.authority, audience: "shop-api" };
    gate = await startPolicies(gateway, started.hosts, trusted);
    await gateway.start();
  }, 600_000);
  afterAll(async () => {
    await gateway?.stop();
    await gate?.stop();
    await api?.stop();
    await keycloak?.destroy();
    await front?.stop();
    cluster?.destroy();
  });

  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  /** A name that nobody published: makes the gate look for new keys, at most every two seconds. */
  const unknown = (): string => {
    const now = Math.floor(Date.now() / 1000);
    return sign(
      { id: "unknown", privateKey: stranger, jwk: {} },
      { iss: `https://${front.host}/realms/shop`, aud: "shop-api", sub: "a", exp: now + 60 },
    );
  };

  test("its keys change: new tokens count at once, old ones until their key is gone", async () => {
    const old = await login();
    expect(await status(old)).toBe(200);
    expect(await status(unknown())).toBe(401);
    const admin = await enterAs(keycloak.shell, keycloak.port, "croft", secretOf("identity/admin"));
    const providers = async () =>
      ((await admin.get("/shop/components?type=org.keycloak.keys.KeyProvider")) as unknown as readonly KeyProvider[]).filter(
        ({ providerId }) => providerId === "rsa-generated",
      );
    const [before] = await providers();
    if (before === undefined) throw new Error("Keycloak signs with no key of its own");
    await admin.post("/shop/components", {
      name: "rotated",
      providerId: "rsa-generated",
      providerType: "org.keycloak.keys.KeyProvider",
      parentId: before.parentId,
      config: { priority: ["500"], enabled: ["true"], active: ["true"], algorithm: ["RS256"], keySize: ["2048"] },
    });
    const fresh = await login();
    expect(fresh.split(".")[0]).not.toBe(old.split(".")[0]);
    await expect.poll(() => status(fresh), PATIENCE).toBe(200);
    expect(await status(old)).toBe(200);
    await admin.remove(`/shop/components/${before.id}`);
    await expect.poll(async () => [await status(unknown()), await status(old)], PATIENCE).toEqual([401, 401]);
    expect(await status(fresh)).toBe(200);
  });

  test("it stops: who is known stays known for a while, nobody else gets in; it starts, and all is well", async () => {
    const known = await login();
    expect(await status(known)).toBe(200);
    await keycloak.stop();
    await expect.poll(() => status(unknown()), PATIENCE).toBe(503);
    // Its keys count for a minute after they were last seen.
    expect([200, 503]).toContain(await status(known));
    api.seen.length = 0;
    expect(await status(unknown())).not.toBe(200);
    expect(api.seen).toEqual([]);
    await keycloak.destroy();
    await start();
    await expect.poll(() => status(known), PATIENCE).toBe(200);
    expect(await status(await login())).toBe(200);
  });

  test("its database stops: nobody new gets in; it starts, and people sign in again", async () => {
    const known = await login();
    expect(await status(known)).toBe(200);
    cluster.stop();
    await expect(login()).rejects.toThrow();
    expect([200, 503]).toContain(await status(known));
    expect([401, 503]).toContain(await status(unknown()));
    cluster.start();
    const again = (): Promise<number> => login().then(status, () => 0);
    await expect.poll(again, PATIENCE).toBe(200);
    expect(await status(known)).toBe(200);
  });
});
