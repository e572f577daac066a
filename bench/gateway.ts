/** croft's gateway against an nginx that does nothing but TLS and proxying: requests, latency, and a large object. */
import { readFile } from "node:fs/promises";
import { Issuer } from "../nginx/gate/provider.fixture.ts";
import { findNginxRoot } from "../nginx/gateway.fixture.ts";
import type { Gateway } from "../nginx/gateway.fixture.ts";
import { readExample, startGateway, startPolicies } from "../test/gateway/rig.ts";
import { ensureWrk, runLoad } from "./tools/load.ts";
import type { Load, Measured } from "./tools/load.ts";
import { bareConfig, freePort, startNginx, upstreamConfig } from "./tools/nginx.ts";
import { median, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";

export const name = "gateway";

const ROUNDS = 3;
const GOAL = { least: 0.9 };
const HOW = `wrk with 32 connections that stay open, ${ROUNDS} rounds of 4 s each, one after the other by turns; the same upstream (an nginx that answers from memory), \
the same certificate, both with an access log. Load, upstream and gateway share this machine's CPUs`;

type Loads = Readonly<Record<"bare" | "open" | "token", Load>>;
type Results = Readonly<Record<keyof Loads, readonly Measured[]>>;

const measure = async (loads: Loads): Promise<Results> => {
  const results: Record<keyof Loads, Measured[]> = { bare: [], open: [], token: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const which of Object.keys(loads) as readonly (keyof Loads)[]) results[which].push(await runLoad(loads[which]));
  }
  return results;
};

const rowsOf = (what: string, croft: readonly Measured[], bare: readonly Measured[]): readonly Row[] => {
  const rate = (all: readonly Measured[]): number => median(all.map(({ perSecond }) => perSecond));
  const late = (all: readonly Measured[]): number => median(all.map(({ p99Ms }) => p99Ms));
  return [
    { what, unit: "/s", croft: rate(croft), other: { name: "bare nginx", value: rate(bare) }, goal: GOAL, note: HOW },
    { what: "  99 % within", unit: "ms", croft: late(croft), other: { name: "bare nginx", value: late(bare) } },
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
  const results = await measure({ bare: { ...open, port: barePort }, open, token });
  return [
    ...rowsOf("requests, the key added", results.open, results.bare),
    ...rowsOf("requests, and a token checked", results.token, results.bare),
  ];
};

export const run = async (): Promise<readonly Row[]> => {
  const root = findNginxRoot();
  if (root === undefined) throw new Skip("no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root");
  ensureWrk();
  return runRequests(root);
};
