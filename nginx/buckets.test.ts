/** Routes to buckets as nginx and the gate are told of them. */
import { expect, test } from "vitest";
import type { DesireInput, Endpoint } from "../provisioner/model/contribution.ts";
import type { BucketTarget, Route } from "../provisioner/model/types.ts";
import { APP, makeInput, makeModel } from "./portfolio.fixture.ts";
import { gatewayDomain } from "./resources.ts";

const bucket = (path: string, target: Partial<BucketTarget> = {}, extras: Partial<Route> = {}): Route => ({
  host: "www.portfolio.test",
  path,
  exact: false,
  methods: [],
  query: {},
  target: { kind: "bucket", bucket: "media", prefix: "", index: "index.html", spa: false, ...target },
  ...extras,
});
const shown: Endpoint = {
  app: "portfolio",
  name: "shown.media",
  machine: "data",
  port: 9000,
  protocol: "http",
  properties: { name: "portfolio-media", region: "us-east-1", accessKey: "reader", secretKey: "{{secret objects/reader used}}" },
  secrets: ["objects/reader"],
  needs: [],
};
const inputOf = (routes: readonly Route[], endpoints: readonly Endpoint[] = [shown]): DesireInput => ({
  ...makeInput(makeModel([{ ...APP, routes }])),
  endpoints,
});
const fileOf = (input: DesireInput, end: string): string =>
  gatewayDomain
    .desire(input)
    .parts.flatMap(({ files }) => files)
    .find(({ path }) => path.endsWith(end))?.content ?? "";
const siteOf = (...routes: readonly Route[]): string => fileOf(inputOf(routes), "sites/www.portfolio.test.conf");

test("the locations of a bucket", async () => {
  const routes = [
    bucket("/files", { prefix: "public/" }, { rules: { cache: "short", timeoutSeconds: 7 } }),
    bucket("/logo.svg", {}, { exact: true }),
  ];
  await expect(siteOf(...routes)).toMatchFileSnapshot("golden/bucket-www.portfolio.test.conf");
});

test("whatever methods a route names, only reading passes", () => {
  for (const methods of [[], ["GET"], ["GET", "PUT", "DELETE"], ["POST"]]) {
    const patterns = [...siteOf(bucket("/", {}, { methods })).matchAll(/\$request_method !~ "(.+?)"\)/g)].map(([, pattern]) => pattern);
    expect(patterns).toEqual(["^(?:GET|HEAD)$"]);
  }
});

test("the gate is told of each way a bucket is shown, once", () => {
  const routes = [bucket("/"), bucket("/a/"), bucket("/b/", { spa: true }), bucket("/c/", { prefix: "c/", notFound: "404.html" })];
  const { buckets } = JSON.parse(fileOf(inputOf(routes), "gate/config.json")) as { buckets: Readonly<Record<string, object>> };
  const common = { address: "10.91.0.99", port: 9000, region: "us-east-1", bucket: "portfolio-media", key: "portfolio-media" };
  const rest = { index: "index.html", timeoutSeconds: 30 };
  expect(Object.values(buckets)).toHaveLength(3);
  expect(Object.values(buckets)).toEqual(
    expect.arrayContaining([
      { ...common, ...rest, prefix: "", spa: false },
      { ...common, ...rest, prefix: "", spa: true },
      { ...common, ...rest, prefix: "c/", spa: false, notFound: "404.html" },
    ]),
  );
  const site = siteOf(...routes);
  for (const place of Object.keys(buckets)) expect(site).toContain(`proxy_pass "http://croft-gate/bucket/${place}/";`);
});

test("the gateway's machine gets Node and a way to the store, once", () => {
  const input = inputOf([bucket("/")]);
  expect(gatewayDomain.roles(input.model)).toContainEqual({ machine: "edge", role: "node" });
  const flows = (endpoints: readonly Endpoint[]) =>
    gatewayDomain.desire(inputOf([bucket("/")], endpoints)).flows.filter(({ port }) => port === 9000);
  expect(flows([shown])).toEqual([{ from: "edge", to: "data", port: 9000, reason: "gateway to shown.media" }]);
  const published = { host: "s3.portfolio.test", places: [], bodyMaxBytes: 1, timeoutSeconds: 5 };
  const store: Endpoint = { ...shown, name: "objects", properties: {}, secrets: [], published };
  expect(flows([shown, store]).map(({ reason }) => reason)).toEqual(["gateway to objects"]);
});

test("the key lies in the gate's slot alone", () => {
  const { parts, resources } = gatewayDomain.desire(inputOf([bucket("/")]));
  expect(JSON.stringify(parts)).not.toContain("objects/reader");
  const slot = resources.find(({ id }) => id === "slot/edge/gate");
  expect(slot?.payload).toMatchObject({ files: { "bucket-portfolio-media": "reader {{secret objects/reader used}}\n" } });
  expect(JSON.stringify(slot?.spec)).not.toContain("{{");
});

test("a bucket that nothing offers is said so", () => {
  expect(() => gatewayDomain.desire(inputOf([bucket("/")], []))).toThrow("which nothing offers");
});
