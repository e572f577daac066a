/** A real Keycloak on a real PostgreSQL, both with croft's configuration: what is made, what drift shows, what is repaired. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findArtifactTools } from "../../bin/platform.ts";
import { ROLES } from "../../images/roles.ts";
import { ensureArtifact } from "../../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../../provisioner/artifacts/lock-file.ts";
import { DEFAULT_ROOTS, cachePaths } from "../../provisioner/model/names.ts";
import { openDatabase } from "../postgres/client.ts";
import { findServer, makeCluster } from "../postgres/testing/cluster.fixture.ts";
import type { Cluster } from "../postgres/testing/cluster.fixture.ts";
import type { Admin } from "./admin.ts";
import { hasJava, startKeycloak } from "./testing/keycloak.fixture.ts";
import type { Keycloak } from "./testing/keycloak.fixture.ts";
import { insideKeycloak } from "./testing/model.fixture.ts";
import { enterAs, makeRig } from "./testing/rig.fixture.ts";
import type { Rig } from "./testing/rig.fixture.ts";

const programs = findServer();
const missing = programs === undefined || !hasJava();
const PASSWORD = "databasePassword1";

describe.skipIf(missing)(missing ? "a real Keycloak (skipped: needs root, java and a PostgreSQL)" : "a real Keycloak", () => {
  let cluster: Cluster;
  let keycloak: Keycloak;
  let rig: Rig;
  let secrets: Readonly<Record<string, readonly string[]>> = {};
  const secretsOf = (name: string): readonly string[] => secrets[name] ?? [`of-${name.replaceAll("/", "-")}`];
  const asOperator = (): Promise<Admin> => enterAs(keycloak.shell, keycloak.port, "croft", secretsOf("identity/admin")[0] ?? "");

  beforeAll(async () => {
    cluster = await makeCluster(programs as string);
    const database = await openDatabase(cluster.shell, "postgres");
    await database.query(`create role keycloak_owner login password '${PASSWORD}'`);
    await database.query("create database keycloak owner keycloak_owner encoding 'UTF8' template template0");
    await database.close();
    const archive = await ensureArtifact(await findArtifactTools(DEFAULT_ROOTS, process.env, EMPTY_LOCK), "keycloak");
    keycloak = await startKeycloak({
      archive,
      builds: cachePaths().builds,
      build: ROLES["keycloak"]?.after ?? "",
      database: {
        port: cluster.port,
        name: "keycloak",
        user: "keycloak_owner",
        password: PASSWORD,
        authority: readFileSync(join(cluster.folder, "chain.pem"), "utf8"),
      },
      secret: "of-identity-admin",
    });
    rig = makeRig({ shell: async () => keycloak.shell, port: keycloak.port, secrets: secretsOf });
  }, 600_000);
  afterAll(async () => {
    await keycloak?.destroy();
    cluster?.destroy();
  });

  test("what is missing is absent, is made, and is then as wanted", async () => {
    const resources = insideKeycloak();
    const before = await rig.differences(resources);
    expect(Object.entries(before).map(([id, found]) => [id, id.startsWith("identity-admin") ? "there" : found])).toEqual(
      resources.map(({ id }) => [id, id.startsWith("identity-admin") ? "there" : "absent"]),
    );
    console.log(JSON.stringify(before["identity-admin/croft"], null, 1));
    await rig.applyAll(resources);
    expect(await rig.differences(resources)).toEqual({});
  });
  test("x", async () => {
    const admin = await asOperator();
    console.log(JSON.stringify(await admin.get("/shop/clients?clientId=cms"), null, 1));
  });
});
