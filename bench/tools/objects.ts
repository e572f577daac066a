/** A large object to and from a real store: through the gateway, and past it. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gateway } from "../../nginx/gateway.fixture.ts";
import { makeModel } from "../../nginx/portfolio.fixture.ts";
import { toHosts } from "../../nginx/routes.ts";
import { servicesOf } from "../../nginx/services.ts";
import type { Driver } from "../../provisioner/execute/driver.ts";
import type { Model } from "../../provisioner/model/types.ts";
import { makeObjectDrivers } from "../../stacks/objects/driver.ts";
import { REGION } from "../../stacks/objects/names.ts";
import { objectsDomain } from "../../stacks/objects/resources.ts";
import { bucketsOf } from "../../stacks/objects/section.ts";
import { sign, signatureTime } from "../../provisioner/transport/signature.ts";
import { MODEL, SHOP, desireInput, insideStore } from "../../stacks/objects/testing/model.fixture.ts";
import { ObjectServer, findProgram, secretOf } from "../../stacks/objects/testing/server.fixture.ts";
import { repeat, runProgram } from "./process.ts";
import { median, Skip } from "./row.ts";
import type { Row } from "./row.ts";

const MIB = 1024 ** 2;
const SIZE_MIB = 32;
const RUNS = 7;
const HOST = "www.portfolio.test";
/** As the app's machine, which may write with its key. */
const INSIDE = "127.0.0.2";
const NOTE = `curl, ${RUNS} times each by turns, a new connection each time. Past the gateway there is no TLS, which every machine of a site is spared only on this bench`;

const site: Model = {
  ...MODEL,
  apps: [{ ...SHOP, buckets: (SHOP.buckets ?? []).map((bucket) => ({ ...bucket, maxObjectBytes: 64 * MIB })) }],
};
const [bucket] = bucketsOf(site);

type Way = { readonly name: string; readonly address: string; readonly words: readonly string[] };
type Method = "PUT" | "GET";

/** Seconds that curl took for one signed request. */
const transfer = async (way: Way, method: Method, file: string, body: Buffer): Promise<number> => {
  if (bucket === undefined) throw new Error("no bucket");
  const path = `/${bucket.full}/large`;
  const unsigned = {
    method,
    region: REGION,
    host: HOST,
    path,
    query: {},
    body: method === "PUT" ? body : Buffer.alloc(0),
    time: signatureTime(new Date()),
  };
  const { host: _, ...headers } = sign(unsigned, bucket.full, secretOf(bucket.secret));
  const lines = Object.entries({ host: HOST, ...headers, expect: "" }).flatMap(([name, value]) => [
    "-H",
    `${name}:${value === "" ? "" : ` ${value}`}`,
  ]);
  const what = method === "PUT" ? ["-T", file] : ["-o", "/dev/null"];
  const words = ["--silent", "--show-error", "--fail", "--http1.1", "--write-out", "%{time_total}", ...way.words, ...lines, ...what];
  return Number((await runProgram(["curl", ...words, `${way.address}${path}`])).out);
};

const openStore = async (stack: AsyncDisposableStack): Promise<ObjectServer> => {
  const program = findProgram("minio");
  if (program === undefined) throw new Skip("minio is not in the cache");
  const server = await ObjectServer.make("minio", program, bucketsOf(site));
  stack.defer(() => server.destroy());
  await server.start();
  const drivers = makeObjectDrivers({ connect: async () => server.shell, secret: async (secret) => secretOf(secret) });
  for (const resource of insideStore(server.port, { model: site })) {
    const request = { resource, observed: { status: "absent" } } as unknown as Parameters<Driver["apply"]>[0];
    await drivers.find(({ kind }) => kind === resource.kind)?.apply(request);
  }
  return server;
};

const openGateway = async (root: string, port: number, stack: AsyncDisposableStack): Promise<Gateway> => {
  const published = objectsDomain.publish(desireInput({ model: site })).filter((endpoint) => endpoint.published !== undefined);
  const endpoints = published.flatMap((endpoint) =>
    endpoint.published === undefined ? [] : [{ ...endpoint, port, published: { ...endpoint.published, host: HOST } }],
  );
  const address = (machine: string): string => (machine === "app" ? INSIDE : "127.0.0.1");
  const gateway = await Gateway.make(root);
  stack.defer(() => gateway.stop());
  await gateway.install({ name: "none", workloads: [], routes: [] }, { hosts: toHosts(makeModel([]), servicesOf(endpoints, address)) });
  await gateway.certify("1");
  await gateway.start();
  return gateway;
};

export const objectRows = async (root: string): Promise<readonly Row[]> => {
  await using stack = new AsyncDisposableStack();
  const server = await openStore(stack);
  const gateway = await openGateway(root, server.port, stack);
  const folder = await mkdtemp(join(tmpdir(), "croft-bench-object-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const body = randomBytes(SIZE_MIB * MIB);
  const file = join(folder, "large");
  await writeFile(file, body);
  const through: Way = {
    name: "gateway",
    address: `https://${HOST}:${gateway.ports.https}`,
    words: ["--insecure", "--interface", INSIDE, "--resolve", `${HOST}:${gateway.ports.https}:127.0.0.1`],
  };
  const past: Way = { name: "store", address: `http://127.0.0.1:${server.port}`, words: [] };
  const row = async (what: string, method: Method): Promise<Row> => {
    const runs = await repeat(
      RUNS,
      async () => [await transfer(through, method, file, body), await transfer(past, method, file, body)] as const,
    );
    const rate = (which: 0 | 1): number => SIZE_MIB / median(runs.map((run) => run[which]));
    return { what, unit: "MiB/s", croft: rate(0), other: { name: "the store itself", value: rate(1) }, note: NOTE };
  };
  return [await row(`an object of ${SIZE_MIB} MiB, up`, "PUT"), await row("  and down", "GET")];
};
