import { expect, test } from "vitest";
import type { Model } from "../provisioner/model/types.ts";
import { APP, ROUTES, makeInput, makeModel } from "./portfolio.fixture.ts";
import { gatewayDomain } from "./resources.ts";

const contribution = gatewayDomain.desire(makeInput());
const [part] = contribution.parts;

test.each(["nginx.conf", "sites/www.portfolio.test.conf", "sites/portfolio.test.conf", "proxy.conf", "errors.conf"])(
  "%s of the example",
  async (name) => {
    const content = part?.files.find(({ path }) => path === `/etc/croft/gateway/${name}`)?.content;
    await expect(content).toMatchFileSnapshot(`golden/${name.replaceAll("/", "-")}`);
  },
);

test("the part waits for its certificate, not for releases, and proves itself", () => {
  expect(part?.slots.map(({ name, mode }) => [name, mode])).toEqual([
    ["gateway-certificate", "0600"],
    ["traffic-portfolio-api", "0644"],
  ]);
  expect(part?.needs).toEqual(["slot/edge/gateway-certificate"]);
  const hash = part?.files.find(({ path }) => path.endsWith("/config-hash"))?.content.trim();
  expect(hash).toMatch(/^[0-9a-f]{32}$/);
  expect(part?.files.find(({ path }) => path.endsWith("nginx.conf"))?.content).toContain(`return 200 "${hash}\\n"`);
  expect(part?.probes.map(({ command }) => command).join("\n")).toContain(`= ${hash}`);
});

test("flows open the public ports and both ports of the workload", () => {
  expect(contribution.flows.map(({ from, to, port }) => `${from} ${to} ${port}`)).toEqual([
    "public edge 80",
    "public edge 443",
    "edge app 8080",
    "edge app 8081",
  ]);
});

test("a deploy changes the traffic slot alone", () => {
  const [before, after] = [8080, 8081].map((port) => gatewayDomain.desire(makeInput(makeModel(), port)));
  expect(after?.parts).toEqual(before?.parts);
  const changed = after?.resources.filter((resource, index) => JSON.stringify(resource) !== JSON.stringify(before?.resources[index]));
  expect(changed?.map(({ id }) => id)).toEqual(["slot/edge/traffic-portfolio-api"]);
  expect(changed?.[0]?.needs).toContain("release/portfolio-api");
  expect(changed?.[0]?.payload).toMatchObject({
    files: { "server.conf": expect.stringContaining("server 10.91.0.12:8081 max_fails=0;") },
  });
});

test("before the first release the first port is named", () => {
  const { resources } = gatewayDomain.desire({ ...makeInput(), endpoints: [] });
  expect(JSON.stringify(resources)).toContain("10.91.0.12:8080");
});

test("the certificate names every host, and a new host makes a new version", () => {
  const find = (model: Model) => gatewayDomain.desire(makeInput(model)).resources.find(({ kind }) => kind === "certificate");
  const first = find(makeModel());
  expect(first?.spec["names"]).toEqual(["portfolio.test", "www.portfolio.test"]);
  const [route] = ROUTES;
  if (route === undefined) throw new Error("no routes");
  const second = find(makeModel([{ ...APP, routes: [...ROUTES, { ...route, host: "cms.portfolio.test" }] }]));
  expect(second?.spec["names"]).toContain("cms.portfolio.test");
  expect(second?.spec["version"]).not.toBe(first?.spec["version"]);
});

test("a host that the site's CA may not sign is refused", () => {
  const routes = ROUTES.slice(0, 1).map((route) => ({ ...route, host: "www.example.org" }));
  expect(() => gatewayDomain.desire(makeInput(makeModel([{ ...APP, routes }])))).toThrow("not below the site's domain");
});

test("without the service there is nothing", () => {
  const model = { ...makeModel(), services: {} };
  expect(gatewayDomain.desire(makeInput(model))).toEqual({ parts: [], flows: [], resources: [] });
  expect(gatewayDomain.roles(model)).toEqual([]);
  expect(gatewayDomain.publish({ model, versions: makeInput().versions, databases: [] })).toEqual([]);
});
