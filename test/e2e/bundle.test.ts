/** A whole site from a bundle, where there is no network beside the host's own. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CATALOGUE } from "../../provisioner/artifacts/catalogue.ts";
import { PROJECT, croft, program } from "./croft.ts";

/** As empty as a host that never saw the site; short, since socket paths are. */
const ROOT = "/tmp/croft-off";
const OFFLINE = { CROFT_ROOT: ROOT, CROFT_CACHE: join(ROOT, "cache"), CROFT_OFFLINE: "yes" };
const SITE = join(PROJECT, "test", ".sites", "offline");
const BUNDLE = join(ROOT, "site.bundle");

const CONFIG = `version: 1
site: offline
domain: offline.test
machines:
  web: { memory: 512MiB }
  app: { memory: 512MiB }
services:
  gateway: { machine: web }
apps:
  shop:
    workloads:
      page: { kind: static, source: page }
      api: { kind: node, machine: app, source: api, build: sh build.sh, output: dist, start: server.js, port: 8080, health: { live: /, ready: / } }
    routes:
      - { host: "@", to: page }
      - { host: api, to: api }
`;

const FILES: Readonly<Record<string, string>> = {
  "croft.yaml": CONFIG,
  "page/index.html": "<!doctype html><title>offline</title>",
  "api/build.sh": 'test -z "$CROFT_OFFLINE" && mkdir -p dist && cp server.js dist/',
  "api/server.js": `require("node:http").createServer((_, answer) => answer.end("built online")).listen(process.env.PORT, "0.0.0.0");\n`,
};

beforeAll(async () => {
  for (const folder of [ROOT, SITE]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(ROOT, { recursive: true });
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(SITE, name, ".."), { recursive: true });
    writeFileSync(join(SITE, name), text);
  }
  const made = await croft(["bundle", SITE, "--out", BUNDLE]);
  expect(made.err + made.out).toMatch(/files, .*sha256 [0-9a-f]{64}/);
});

afterAll(() => {
  for (const folder of [ROOT, SITE]) rmSync(folder, { recursive: true, force: true });
});

const cached = (): readonly string[] =>
  existsSync(OFFLINE.CROFT_CACHE) ? readdirSync(OFFLINE.CROFT_CACHE, { recursive: true, encoding: "utf8" }) : [];

test("a bundle that was cut off: refused, and nothing is taken from it", async () => {
  const cut = join(ROOT, "cut.bundle");
  await program(`cp ${BUNDLE} ${cut}`);
  truncateSync(cut, statSync(cut).size - 1_000_000);
  const outcome = await croft(["up", "--bundle", cut, SITE], { environment: OFFLINE });
  rmSync(cut);
  expect(outcome.code).toBe(1);
  expect(outcome.err).toContain("cannot be used: it is damaged or cut off");
  expect(cached()).toEqual([]);
});

test("with a loopback alone: up, answered over HTTPS, nothing built, nothing fetched", async () => {
  const command = `${process.execPath} ${join(PROJECT, "bin", "croft")}`;
  const lines = [
    // /sys shows the interfaces of the namespace it was mounted in; the control groups below it are the host's.
    `mkdir ${ROOT}/cgroup && mount --rbind /sys/fs/cgroup ${ROOT}/cgroup && mount -t sysfs sysfs /sys && mount --rbind ${ROOT}/cgroup /sys/fs/cgroup`,
    "ip link set lo up",
    'test -z "$(ip route)"',
    `trap '${command} destroy --purge --yes ${SITE}' EXIT`,
    `${command} up --yes --no-install --bundle ${BUNDLE} ${SITE}`,
    `${command} smoke ${SITE}`,
    `curl -sS --fail --cacert ${ROOT}/state/offline/default/authority/authority.pem --resolve api.offline.test:443:$(${command} vm list --json --file ${SITE} | sed 's/.*"name":"web"[^}]*"address":"\\([^"]*\\)".*/\\1/') https://api.offline.test/`,
  ];
  writeFileSync(join(ROOT, "run.sh"), `set -e\n${lines.join("\n")}\n`);
  const settings = Object.entries(OFFLINE).map(([name, value]) => `${name}=${value}`);
  const out = await program(
    `env ${settings.join(" ")} unshare --net --mount sh ${join(ROOT, "run.sh")} > ${ROOT}/out 2>&1 || { cat ${ROOT}/out >&2; exit 1; }; cat ${ROOT}/out`,
  );
  expect(out).toContain("built online");
  expect(out).not.toMatch(/npm pack|mmdebstrap|building shop/);
  const lock = JSON.parse(readFileSync(join(SITE, "croft.lock"), "utf8")) as { artifacts: object };
  const { amd64, arm64 } = CATALOGUE["node"]?.files ?? {};
  expect(lock.artifacts).toEqual({
    node: { version: CATALOGUE["node"]?.version, source: "bundle", sha256: { amd64: amd64?.sha256, arm64: arm64?.sha256 } },
  });
});

test("a bundle of another configuration: said before anything is done", async () => {
  writeFileSync(join(SITE, "croft.yaml"), CONFIG.replace("gateway: { machine: web }", "gateway: { machine: app }"));
  const outcome = await croft(["up", "--yes", "--bundle", BUNDLE, SITE], { environment: { ...OFFLINE, CROFT_OFFLINE: "" } });
  expect(outcome.code).toBe(1);
  expect(outcome.err).toContain("was made for another configuration");
  expect(existsSync(join(ROOT, "state", "offline", "default", "state.json"))).toBe(false);
});
