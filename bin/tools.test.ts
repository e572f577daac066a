/** Commands that only read: they need no root, build nothing and write nothing. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeState } from "../provisioner/state/encoding.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { SiteOutput } from "./site-output.ts";
import { runCroft } from "./run.fixture.ts";
import type { Ran } from "./run.fixture.ts";

let folder = "";
let root = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-tools-"));
  root = join(folder, "root");
  vi.spyOn(process, "getuid").mockReturnValue(1000);
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(folder, { recursive: true, force: true });
});

const croft = (...words: readonly string[]): Promise<Ran> => runCroft(root, ...words);

const SITE = `version: 1
site: shop
domain: shop.test
machines: { web: { memory: 512MiB, disks: { data: 1GiB } } }
services: { gateway: { machine: web } }
environments:
  staging: { domain: staging.shop.test }
  blue: { network: 10.92.0.0/16 }
`;

const writeSite = (text: string): string => {
  const site = join(folder, "shop");
  mkdirSync(site, { recursive: true });
  writeFileSync(join(site, "croft.yaml"), text);
  return site;
};

/** What the example's machines are told in secret: the texts show only where. */
const SECRETS = [
  "postgres/portfolio/rw used",
  "postgres/identity/owner used",
  "app/portfolio/api-key",
  "app/portfolio/api-key used",
  "gateway/gate-cookie",
  "identity/admin",
  "objects/admin",
  "objects/portfolio/media used",
];

/** A key itself; programs among the texts name its first line without one behind it. */
const KEY_TEXT = /BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]/;

const pathsOf = ({ out }: Ran): readonly string[] => [...out.matchAll(/^=== (.*)$/gm)].map(([, path = ""]) => path);

describe("render", () => {
  test("shows every text of a run, without secrets, the same every time", async () => {
    const first = await croft("render", "examples/portfolio");
    expect(first.code).toBe(0);
    expect(pathsOf(first)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^hosts\/local\/.*\/machines\/edge\/vm\.json$/),
        expect.stringMatching(/^hosts\/local\/.*\/machines\/edge\/run$/),
        expect.stringMatching(/^hosts\/local\/.*\/seed\.iso\/user-data$/),
        expect.stringMatching(/^hosts\/local\/.*\/seed\.iso\/meta-data$/),
        expect.stringMatching(/^hosts\/local\/.*\/rules\.nft$/),
        expect.stringMatching(/^hosts\/local\/.*\/network\/local\/up$/),
        "machines/edge/etc/systemd/system/croft-gateway.service",
        "machines/edge/etc/croft/gateway/nginx.conf",
        "machines/edge/etc/croft/gate/config.json",
        "machines/edge/usr/lib/croft/gate/main.ts",
        "machines/edge/etc/croft/gateway/sites/auth.portfolio.test.conf",
        "machines/edge/etc/croft/gateway/sites/s3.portfolio.test.conf",
        "machines/data/etc/croft/postgres/pg_hba.conf",
        "machines/data/etc/systemd/system/croft-objects.service",
        "machines/identity/etc/croft/identity/keycloak.conf",
        expect.stringMatching(/^machines\/data\/etc\/croft\/slots\/objects-identity\/[0-9a-f]+\/environment$/),
        expect.stringMatching(/^machines\/edge\/etc\/croft\/slots\/gate\/[0-9a-f]+\/cookie-key$/),
        expect.stringMatching(/^machines\/edge\/etc\/croft\/slots\/gateway-keys\/[0-9a-f]+\/portfolio\.conf$/),
        expect.stringMatching(/^machines\/app\/var\/lib\/croft\/releases\/portfolio-api\/[0-9a-f]+\.env$/),
        expect.stringMatching(/^machines\/edge\/etc\/croft\/slots\/gateway-certificate\/[0-9a-f]+\/key\.pem$/),
      ]),
    );
    for (const secret of SECRETS) expect(first.out).toContain(`{{secret ${secret}}}`);
    expect(first.out).toContain("{{certificate gateway key}}");
    expect(first.out).not.toMatch(KEY_TEXT);
    expect((await croft("render", "examples/portfolio")).out).toBe(first.out);
    expect(pathsOf(first)).toEqual(pathsOf(first).toSorted((a, b) => (a < b ? -1 : 1)));
    expect(existsSync(root)).toBe(false);
  });

  test("into a folder: the same texts as files, and never among others", async () => {
    const site = writeSite(SITE);
    const shown = JSON.parse((await croft("render", site, "--json")).out) as readonly { place: string; path: string; text: string }[];
    const out = join(folder, "out");
    expect((await croft("render", site, "--out", out)).code).toBe(0);
    for (const { place, path, text } of shown) expect(readFileSync(join(out, `${place}${path}`), "utf8")).toBe(text);
    const again = await croft("render", site, "--out", out);
    expect([again.code, again.failure?.message]).toEqual([64, `${out} is not empty`]);
  });
});

describe("output", () => {
  test("tells addresses, endpoints and releases, and no secret", async () => {
    const state = {
      ...emptyState("ab".repeat(16)),
      serial: 1,
      addresses: { edge: "10.91.0.40" },
      resources: [
        {
          id: "release/portfolio-api",
          kind: "release",
          host: "local",
          spec: { machine: "app", release: "abc", port: 8081 },
          needs: [],
          output: {},
          status: "active" as const,
        },
      ],
    };
    mkdirSync(join(root, "state/portfolio/default"), { recursive: true });
    writeFileSync(join(root, "state/portfolio/default/state.json"), encodeState(state));
    const found = JSON.parse((await croft("output", "--file", "examples/portfolio", "--json")).out) as SiteOutput;
    expect(found.urls).toContain("https://www.portfolio.test/");
    expect(found.machines["edge"]).toEqual({ address: "10.91.0.40", host: "local", name: "edge.croft.internal" });
    expect(found.releases).toEqual({ "portfolio-api": "abc" });
    expect(found.endpoints.find(({ name }) => name === "workload.portfolio-api")?.port).toBe(8081);
    expect(found.endpoints.find(({ name, app }) => name === "database.rw" && app === "portfolio")).toEqual({
      name: "database.rw",
      app: "portfolio",
      machine: "data",
      host: "data.croft.internal",
      address: "10.91.0.12",
      port: 5432,
      protocol: "postgresql",
    });
    expect(JSON.stringify(found)).not.toMatch(/secret|password|\{\{/);
    const text = (await croft("output", "examples/portfolio")).out;
    expect(text).toMatch(/gateway +https +edge\.croft\.internal:443 +\(10\.91\.0\.40:443\)/);
  });
});

describe("docs", () => {
  test("one section, or an error that names them", async () => {
    expect((await croft("docs", "machines")).out).toMatch(/^machines\n/);
    expect((await croft("docs", "apps.NAME.routes")).out).toMatch(/^apps\.NAME\.routes\n/);
    const wrong = await croft("docs", "machine");
    expect(wrong.code).toBe(64);
    expect(wrong.failure).toMatchObject({ tail: "did you mean `machines`?", hint: expect.stringContaining("version, site, domain") });
  });

  test("the schema is JSON that holds the services' own fields", async () => {
    const schema = JSON.parse((await croft("docs", "--schema")).out) as { properties: { services: { properties: object } } };
    expect(Object.keys(schema.properties.services.properties)).toEqual(expect.arrayContaining(["postgres", "gateway"]));
    expect((await croft("docs", "machines", "--schema")).code).toBe(64);
  });
});

describe("doctor", () => {
  test("judges this host, with and without a site", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new Error("no network in this test")));
    const checksOf = ({ out }: Ran): readonly string[] => (JSON.parse(out) as readonly { check: string }[]).map(({ check }) => check);
    const bare = await croft("doctor", "--json");
    const about = await croft("doctor", writeSite(SITE), "--json");
    for (const outcome of [bare, about]) expect(outcome.code).toBe(outcome.out.includes('"level":"failure"') ? 78 : 0);
    expect(checksOf(bare)).toEqual(
      expect.arrayContaining(["versions", "kvm", "packages", "memory", "disk of state", "clock", "leftovers"]),
    );
    expect(checksOf(bare)).not.toContain("ports");
    expect(checksOf(about)).toEqual(expect.arrayContaining(["ports", "network"]));
    expect((await croft("doctor", join(folder, "nowhere"))).code).toBe(65);
  });
});

describe("simulate", () => {
  test("walks the whole plan on fakes, says so, and writes nothing", async () => {
    const outcome = await croft("up", "--simulate", "examples/portfolio");
    expect(outcome.code).toBe(0);
    expect(outcome.out).toMatch(/^Simulation, on fakes in memory/);
    expect(outcome.out).toMatch(/ {2}generation\/edge created/);
    expect(outcome.out).toMatch(/Simulated: \d+ steps\. Nothing on this host was touched/);
    expect(existsSync(root)).toBe(false);
    const last = (await croft("up", "--simulate", "--json", "examples/portfolio")).out.split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ type: "run-ended", simulated: true, exitCode: 0, failed: [], notStarted: [] });
  });

  test("what is recorded counts as in place; removal of data is refused as ever", async () => {
    const site = writeSite(SITE);
    const disk = {
      id: "disk/web-old",
      kind: "disk",
      host: "local",
      spec: { path: "/nowhere" },
      needs: [],
      data: true,
      output: {},
      status: "active" as const,
    };
    const file = join(root, "state/shop/default/state.json");
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, encodeState({ ...emptyState("cd".repeat(16)), serial: 3, resources: [disk] }));
    const before = readFileSync(file);
    const refused = await croft("up", "--simulate", site);
    expect([refused.code, refused.failure?.message]).toEqual([65, "disk/web-old holds data and would be removed"]);
    const allowed = await croft("up", "--simulate", site, "--allow-destroy", "disk/web-old");
    expect(allowed.code).toBe(0);
    expect(allowed.out).toContain("disk/web-old removed");
    const gone = await croft("destroy", "--simulate", "--purge", site);
    expect(gone.out).toMatch(/disk\/web-old removed\n\nSimulated: 1 steps/);
    expect(readFileSync(file)).toEqual(before);
  });
});

describe("environments", () => {
  /** Whatever two sites on one host could share by name: interfaces, tables, paths, marks, serials. */
  const namesOf = ({ out }: Ran): ReadonlySet<string> =>
    new Set(
      [
        ...out.matchAll(
          /\bcr[btv][0-9a-f]{10}\b|\bcroft_[0-9a-f]{10}\b|\bcd-[0-9a-f]{16}\b|\b52(?::[0-9a-f]{2}){5}\b|\/(?:var\/lib|run)\/croft\/\S+|\S*root\/(?:state|run)\/[^\s'"]+|croft:[0-9a-f]+:\S+/g,
        ),
      ]
        .map(([name]) => name.replace(/['"]$/, ""))
        // Folders inside of machines are each machine's own.
        .filter((name) => !/^\/(var\/lib|run)\/croft\//.test(name) || name.includes("/shop/")),
    );

  test("names of two environments of one site do not meet", async () => {
    const site = writeSite(SITE);
    const [base, staging, blue] = await Promise.all([
      croft("render", site),
      croft("render", site, "--env", "staging"),
      croft("render", site, "--env", "blue"),
    ]);
    for (const one of [base, staging, blue]) expect(namesOf(one).size).toBeGreaterThan(10);
    expect([...namesOf(base)].filter((name) => namesOf(staging).has(name) || namesOf(blue).has(name))).toEqual([]);
    expect([...namesOf(staging)].filter((name) => namesOf(blue).has(name))).toEqual([]);
    expect(staging.out).toContain("staging.shop.test");
    expect(blue.out).toContain("10.92.0.11");
  });

  test.each(["up --simulate", "up", "plan", "status", "smoke", "destroy", "vm list", "state restore", "config", "render", "output"])(
    "%s knows --env",
    async (words) => {
      const site = writeSite(SITE);
      vi.spyOn(process, "getuid").mockReturnValue(0);
      const outcome = await croft(...words.split(" "), "--file", site, "--env", "stagin");
      expect(outcome.code).toBe(65);
      expect(outcome.failure?.message).toMatch(/E0138[\s\S]*did you mean `staging`/);
    },
  );
});
