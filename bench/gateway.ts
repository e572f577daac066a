/** croft's gateway against an nginx that does nothing but TLS and proxying: requests, latency, and a large object. */
import { readFile } from "node:fs/promises";
import { Issuer } from "../nginx/gate/provider.fixture.ts";
import { findNginxRoot } from "../nginx/gateway.fixture.ts";
import type { Gateway } from "../nginx/gateway.fixture.ts";
import { readExample, startGateway, startPolicies } from "../test/gateway/rig.ts";
import { cpuOf } from "./tools/cpu.ts";
import { SECONDS, ensureWrk, runLoad } from "./tools/load.ts";
import type { Load, Measured } from "./tools/load.ts";
import { objectRows } from "./tools/objects.ts";
import { bareConfig, freePort, startNginx, upstreamConfig } from "./tools/nginx.ts";
import { median, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";

export const name = "gateway";

const ROUNDS = 7;
const GOAL = { least: 0.9 };
const HOW = `wrk with 32 connections that stay open, ${ROUNDS} rounds of ${SECONDS} s each by turns; the same upstream (an nginx that answers from memory), the same \
certificate, the same headers, both with an access log. Load, upstream and gateway share this machine's CPUs`;
const CPU = `user and system, of nginx's processes and of the gate: what the ratio of requests comes from where the CPUs are the limit, and steadier than it. \
croft's gateway also writes each request as a line of JSON, sets and clears headers, and checks the path's spelling and the client's connections`;
const TOKEN = `one token again and again: nginx keeps the gate's answer for five seconds. What is left is a second request inside nginx for every request`;

/** What is asked, and the processes that answer. */
type Side = { readonly load: Load; readonly pids: readonly number[] };
type Which = "bare" | "open" | "bareToken" | "token";
type Sides = Readonly<Record<Which, Side>>;
type Result = Measured & { readonly cpuUs: number };
type Results = Readonly<Record<Which, readonly Result[]>>;

const measureOne = async ({ load, pids }: Side): Promise<Result> => {
  const before = cpuOf(pids);
  const measured = await runLoad(load);
  return { ...measured, cpuUs: (cpuOf(pids) - before) / measured.requests };
};

const measure = async (sides: Sides): Promise<Results> => {
  const results: Record<Which, Result[]> = { bare: [], open: [], bareToken: [], token: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const which of Object.keys(sides) as readonly Which[]) results[which].push(await measureOne(sides[which]));
  }
  return results;
};

const rowsOf = (what: string, croft: readonly Result[], bare: readonly Result[], note?: string): readonly Row[] => {
  const row = (text: string, unit: Row["unit"], value: (one: Result) => number): Row => ({
    what: text,
    unit,
    croft: median(croft.map(value)),
    other: { name: "bare nginx", value: median(bare.map(value)) },
  });
  return [
    { ...row(what, "/s", ({ perSecond }) => perSecond), goal: GOAL, note: HOW },
    { ...row("  99 % within", "ms", ({ p99Ms }) => p99Ms), ...(note === undefined ? {} : { note }) },
    { ...row("  CPU time of one", "µs", ({ cpuUs }) => cpuUs), note: CPU },
  ];
};

const certificateOf = async (gateway: Gateway) => {
  const folder = gateway.path("/etc/croft/slots/gateway-certificate/current");
  return { chain: await readFile(`${folder}/chain.pem`, "utf8"), key: await readFile(`${folder}/key.pem`, "utf8") };
};

const runRequests = async (root: string): Promise<readonly Row[]> => {
  await using stack = new AsyncDisposableStack();
  const issuer = await Issuer.make();
  stack.defer(() => issuer.stop());
  issuer.lifetime = 3600;
  const upstreamPort = await freePort();
  const upstream = await startNginx(root, upstreamPort, upstreamConfig(upstreamPort));
  stack.defer(upstream.stop);
  const { gateway, hosts } = await startGateway(root, await readExample(), upstreamPort);
  stack.defer(() => gateway.stop());
  const gate = await startPolicies(gateway, hosts, issuer);
  stack.defer(() => gate.stop());
  await gateway.start();
  const barePort = await freePort();
  const bare = await startNginx(root, barePort, bareConfig(barePort, upstreamPort), await certificateOf(gateway));
  stack.defer(bare.stop);
  const open = { port: gateway.ports.https, host: "www.portfolio.test", path: "/api/about/v1/me" };
  const token = {
    port: gateway.ports.https,
    host: "cms.portfolio.test",
    path: "/api/about/v1/me",
    headers: [`Authorization: Bearer ${issuer.token()}`],
  };
  const pids = [await gateway.masterPid(), gate.child.pid ?? 0];
  const results = await measure({
    bare: { load: { ...open, port: barePort }, pids: [bare.pid] },
    open: { load: open, pids },
    bareToken: { load: { ...token, port: barePort }, pids: [bare.pid] },
    token: { load: token, pids },
  });
  return [
    ...rowsOf("requests, the key added", results.open, results.bare),
    ...rowsOf("requests, and a token checked", results.token, results.bareToken, TOKEN),
  ];
};

export const run = async (): Promise<readonly Row[]> => {
  const root = findNginxRoot();
  if (root === undefined) throw new Skip("no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root");
  ensureWrk();
  return [...(await runRequests(root)), ...(await objectRows(root))];
};
