/** What is desired for workloads: ports, bindings, environments, names of instances. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Endpoint } from "../../provisioner/model/contribution.ts";
import type { NodeWorkload } from "../../provisioner/model/types.ts";
import type { Recorded, Resource } from "../../provisioner/plan/resource.ts";
import { bind } from "./bindings.ts";
import { choosePort } from "./ports.ts";
import { appDomain, workloadEndpoints } from "./resources.ts";
import type { ReleasePayload, StaticPayload } from "./resources.ts";
import { api, database, desireInput, modelWith, page, recordOf } from "./testing/model.fixture.ts";
import type { Wanted } from "./testing/model.fixture.ts";
import { renderEnvironment, renderUnit } from "./units.ts";

describe("ports", () => {
  const recorded = (spec: Recorded["spec"]): Recorded => ({
    id: "release/a",
    kind: "release",
    host: "local",
    spec,
    needs: [],
    output: {},
    status: "active",
  });

  test.each([
    ["nothing recorded", undefined, 8080],
    ["the same instance on the first", { instance: "new", port: 8080 }, 8080],
    ["the same instance on the second", { instance: "new", port: 8081 }, 8081],
    ["another on the first", { instance: "old", port: 8080 }, 8081],
    ["another on the second", { instance: "old", port: 8081 }, 8080],
    ["a port from before the configuration changed", { instance: "new", port: 9000 }, 8080],
    ["no number", { instance: "new", port: "8080" }, 8080],
  ])("with %s", (_, spec, port) => {
    expect(choosePort(8080, "new", spec === undefined ? undefined : recorded(spec))).toBe(port);
  });
});

describe("bindings", () => {
  const endpoints = [database, { ...database, app: "other", name: "database.ro" }];

  test("become text and bring credential, order and flow", () => {
    expect(bind("a=${database.rw.url}&b=${database.rw.host}", "shop", endpoints)).toEqual({
      template: "a=postgresql://shop_rw:{{secret postgres/shop/rw}}@postgres/shop&b=postgres",
      secrets: ["postgres/shop/rw"],
      needs: ["postgres-grants/shop"],
      endpoints: [database, database],
    });
  });

  test("bring no credential that they do not use", () => {
    expect(bind("${database.rw.host}", "shop", endpoints).secrets).toEqual([]);
  });

  test.each([
    ["${database.rx.url}", "binds to database.rx, which nothing offers"],
    ["${database.ro.url}", "binds to database.ro, which nothing offers"],
    ["${database.rw.nothing}", "has no property `nothing`"],
    ["${database.rw.constructor}", "has no property `constructor`"],
    ["{{secret postgres/other/owner}}", "cannot hold {{"],
  ])("%s is refused", (text, message) => {
    expect(() => bind(text, "shop", endpoints)).toThrow(message);
  });

  test("leave other text alone", () => {
    expect(bind("$HOME ${HOME} $& %i", "shop", endpoints).template).toBe("$HOME ${HOME} $& %i");
  });
});

const VALUES = {
  PLAIN: "a b",
  QUOTE: `say "hi" 'there'`,
  DOLLAR: "$HOME ${HOME} $$",
  BACK: "a\\b\\\\c\\n`date`\\",
  LINES: "one\ntwo\n",
  PERCENT: "100%i %%",
  HASH: "# ; =",
  EMPTY: "",
  WORDS: "grüße",
};
const SYSTEMD = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";

describe("environment files", () => {
  test("golden text", () => {
    expect(renderEnvironment({ QUOTE: 'a"b', DOLLAR: "$a", BACK: "\\", TICK: "`", LINES: "1\n2" })).toBe(
      'QUOTE="a\\"b"\nDOLLAR="\\$a"\nBACK="\\\\"\nTICK="\\`"\nLINES="1\n2"\n',
    );
  });

  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "croft-environment-"));
    mkdirSync(join(folder, "environment.d"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What a shell finds in the variables of a file. */
  const readWith = (shell: string, text: string, names: readonly string[]): readonly string[] => {
    const file = join(folder, "file");
    writeFileSync(file, text);
    const shown = execFileSync(
      "env",
      ["-i", shell, "-c", `set -a; . ${file}; for name in ${names.join(" ")}; do eval "printf '%s\\0' \\"\\$$name\\""; done`],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    return shown.split("\0").slice(0, -1);
  };

  test("a shell reads them as they were meant", () => {
    expect(readWith("sh", renderEnvironment(VALUES), Object.keys(VALUES))).toEqual(Object.values(VALUES));
  });

  // systemd's own reader of such files. This user of it replaces $NAME, takes no empty value and writes lines as \n.
  test.skipIf(!existsSync(SYSTEMD))(
    existsSync(SYSTEMD) ? "systemd reads them as they were meant" : `systemd reads them (skipped: there is no ${SYSTEMD})`,
    () => {
      const { DOLLAR: _, EMPTY: __, LINES, ...values } = VALUES;
      writeFileSync(join(folder, "environment.d/50-test.conf"), renderEnvironment({ LINES, ...values }));
      const shown = execFileSync("env", ["-i", `XDG_CONFIG_HOME=${folder}`, `HOME=${folder}`, SYSTEMD], { encoding: "utf8" });
      expect(shown).toMatch(/^LINES="one\\ntwo\\n"$/m);
      expect(readWith("bash", shown, Object.keys(values))).toEqual(Object.values(values));
    },
  );

  test.each(["a\0b", "a\rb", "a\u001bb"])("what systemd would leave out is refused, unseen", (value) => {
    expect(() => renderEnvironment({ KEY: value })).toThrow("the value of KEY holds a control character");
  });
});

const specOf = (wanted: Wanted, id = "release/shop-api") =>
  appDomain.desire(desireInput(wanted)).resources.find((resource) => resource.id === id);
const withApi = (change: Partial<NodeWorkload>): Wanted => ({ model: modelWith({ workloads: [{ ...api, ...change }, page] }) });

const environmentIn = (release: Resource | undefined): unknown => (release?.payload as ReleasePayload | undefined)?.environment;

describe("instances", () => {
  const plain = specOf({})?.spec["instance"];

  test("stay while nothing changes", () => expect(specOf({})?.spec["instance"]).toBe(plain));

  test.each<readonly [string, Wanted]>([
    ["the release", { releases: { "shop-api": { id: "bbbb", file: "", sizeBytes: 1 } } }],
    ["the environment", withApi({ environment: { ...api.environment, LOG_LEVEL: "debug" } })],
    ["a secret's version", { rotation: 1 }],
    ["the unit", withApi({ memoryBytes: 1 })],
    ["the port", withApi({ port: 9000 })],
    ["the metrics port", withApi({ metricsPort: 9500 })],
  ])("change with %s", (_, wanted) => expect(specOf(wanted)?.spec["instance"]).not.toBe(plain));

  test("a second one gets the other port and the other metrics port", () => {
    const recorded = [recordOf(specOf({}) as never)];
    const release = specOf({ recorded, rotation: 1 });
    expect(release?.spec["port"]).toBe(8081);
    expect(environmentIn(release)).toEqual({
      NODE_ENV: "production",
      DATABASE_URL: "postgresql://shop_rw:{{secret postgres/shop/rw}}@postgres/shop",
      LOG_LEVEL: "info",
      PORT: "8081",
      METRICS_PORT: "9465",
      APP_VERSION: "aaaa",
    });
    expect(workloadEndpoints(desireInput({ recorded, rotation: 1 }))[0]).toMatchObject({
      name: "workload.shop-api",
      port: 8081,
      properties: { address: "10.91.0.11", port: "8081" },
      needs: ["release/shop-api"],
    });
  });

  test("croft's own variables win over the app's", () => {
    const release = specOf(withApi({ environment: { PORT: "1", APP_VERSION: "2" } }));
    expect(environmentIn(release)).toMatchObject({ PORT: "8080", APP_VERSION: "aaaa" });
  });
});

describe("what pages are told", () => {
  const oidc: Endpoint = {
    ...database,
    name: "oidc",
    properties: { issuer: "https://auth.shop.test/realms/shop" },
    secrets: [],
    needs: ["identity-realm/shop"],
  };
  const staticOf = (config?: Readonly<Record<string, string>>): Resource | undefined => {
    const model = modelWith({ workloads: [{ ...page, ...(config === undefined ? {} : { config }) }] });
    const input = desireInput({ model });
    return appDomain.desire({ ...input, endpoints: [...input.endpoints, oidc] }).resources.find(({ kind }) => kind === "static");
  };

  test("is part of the release's name; without it the content alone is", () => {
    expect(staticOf()?.spec["release"]).toBe("pppp");
    const [one, same, other] = [
      { a: "1", b: "2" },
      { b: "2", a: "1" },
      { a: "1", b: "3" },
    ].map((config) => staticOf(config)?.spec["release"]);
    expect([one === same, one === other, one === "pppp"]).toEqual([true, false, false]);
  });

  test("is bound, and waits for what it names", () => {
    const resource = staticOf({ issuer: "${oidc.issuer}", clientId: "cms" });
    expect((resource?.payload as StaticPayload | undefined)?.config).toBe(
      '{\n  "clientId": "cms",\n  "issuer": "https://auth.shop.test/realms/shop"\n}\n',
    );
    expect(resource?.needs).toEqual(["machine/edge", "identity-realm/shop"]);
  });

  test.each(["${database.rw.url}", "{{secret postgres/shop/rw}}"])("%s is never among it", (value) => {
    expect(() => staticOf({ key: value })).toThrow(/served to everybody|cannot hold/);
  });
});

describe("resources", () => {
  test("ids, needs and flows", () => {
    const { resources, flows, parts } = appDomain.desire(desireInput());
    expect(resources.map(({ id, needs, lostWith }) => ({ id, needs, lostWith }))).toEqual([
      { id: "release/shop-api", needs: ["generation/app", "postgres-grants/shop"], lostWith: ["machine/app"] },
      { id: "retire/shop-api", needs: ["release/shop-api", "slot/edge/traffic-shop-api"], lostWith: ["machine/app"] },
      { id: "static/shop-page", needs: ["machine/edge"], lostWith: ["machine/edge"] },
    ]);
    expect(flows).toEqual([{ from: "app", to: "data", port: 5432, reason: "shop-api to database.rw" }]);
    expect(parts.map(({ name, units }) => ({ name, units }))).toEqual([
      { name: "shop-api", units: [{ name: "shop-api@.service", start: false, onChange: "restart", watches: [] }] },
    ]);
  });

  test("without a gateway there are no static files and nothing waits for traffic", () => {
    const { resources } = appDomain.desire(desireInput({ model: modelWith({}, { services: {} }) }));
    expect(resources.map(({ id, needs }) => [id, needs.length])).toEqual([
      ["release/shop-api", 2],
      ["retire/shop-api", 1],
    ]);
    expect(appDomain.publish({ ...desireInput(), model: modelWith({}, { services: {} }) })).toEqual([]);
  });

  test("what was not built is not desired", () => {
    expect(appDomain.desire(desireInput({ releases: {} })).resources).toEqual([]);
    expect(workloadEndpoints(desireInput({ releases: {} }))).toEqual([]);
  });

  test("the unit", async () => {
    await expect(renderUnit("shop", { ...api, start: "dist/my server.js" })).toMatchFileSnapshot("golden/shop-api@.service");
  });
});
