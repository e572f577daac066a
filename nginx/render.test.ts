import { expect, test } from "vitest";
import type { App, Route } from "../provisioner/model/types.ts";
import { APP, ROUTES, makeModel } from "./portfolio.fixture.ts";
import { makeTemplate } from "./handlebars.ts";
import { renderGateway, renderScript } from "./render.ts";
import type { GatewayConfig } from "./render.ts";
import { toHosts } from "./routes.ts";
import { safeQuery } from "./safe.ts";
import { renderServer } from "./traffic.ts";

const configOf = (app: App): GatewayConfig => ({
  hosts: toHosts(makeModel([app])),
  roots: new Map([["portfolio-site", "/var/lib/croft/releases/portfolio-site/current"]]),
  host: "portfolio.test",
});
const [first] = ROUTES;
if (first === undefined) throw new Error("no routes");
const render = (...routes: readonly Partial<Route>[]) =>
  renderGateway(configOf({ ...APP, routes: routes.map((route) => ({ ...first, ...route })) }));
const text = (...routes: readonly Partial<Route>[]): string => Object.values(render(...routes).files).join("\n");

const INJECTIONS = [
  'a.example; return 200 "pwned"; #',
  "a.example{",
  "a b",
  "$host",
  "a.example\n",
  "A.example",
  "a..b",
  "*.a.b",
  "-a.b",
  "",
  "a.b}",
  "'a.b'",
];

test.each(INJECTIONS)("the host %j is refused", (host) => {
  expect(() => render({ host })).toThrow("the gateway refuses");
});

test.each(['/a"; return 200; #', "/a b", "/a$x", "/a;b", "/a{", "/a\\", "/a\n", "a", "/a//b", "/../a", "/a/./b", "/%2e", "/a`"])(
  "the path %j is refused",
  (path) => {
    expect(() => render({ path })).toThrow("the gateway refuses");
    expect(() => render({ path, exact: true, target: { kind: "workload", workload: "api" } })).toThrow("the gateway refuses");
  },
);

test.each(['https://a/"; #', "//evil", "javascript:alert(1)", "https://a/$host", "/a b", "https://a\n", ""])(
  "the redirect %j is refused",
  (to) => {
    expect(() => render({ target: { kind: "redirect", to } })).toThrow("the gateway refuses");
  },
);

test.each([
  ['a"b', "x"],
  ["a", '"'],
  ["a", "$x"],
  ["a)", "x"],
  ["a", "x\\"],
  ["a", ".*)|("],
])("the query %j=%j is refused", (name, value) => {
  expect(() => render({ query: { [name]: value }, target: { kind: "workload", workload: "api" } })).toThrow("the gateway refuses");
});

test("methods, upstreams, folders and addresses are refused at their sinks too", () => {
  expect(() => render({ methods: ['GET"'] })).toThrow("the gateway refuses");
  expect(() => renderServer("10.0.0.1; #", 80)).toThrow("the gateway refuses");
  expect(() => renderServer("10.0.0.1", 70_000)).toThrow("the gateway refuses");
  expect(() => renderGateway({ ...configOf(APP), roots: new Map([["portfolio-site", "/a/../etc"]]) })).toThrow("the gateway refuses");
  expect(() => renderScript({ ...configOf(APP), host: "a.b'; rm -rf /; '" })).toThrow("the gateway refuses");
});

test("a missing value is an error, not a hole", () => {
  expect(() => makeTemplate<Record<string, never>>("a {{b}}")({})).toThrow("b");
});

test("two routes for one place are refused", () => {
  expect(() => render({ path: "/a" }, { path: "/a" })).toThrow("two routes");
});

test("no route to the metrics of a workload, even where one is asked for", () => {
  const api = { kind: "workload", workload: "api" } as const;
  const site = render({ target: api }, { path: "/metrics", exact: true, target: api }).files[
    "/etc/croft/gateway/sites/portfolio.test.conf"
  ];
  expect(site?.match(/location = "\/metrics" \{\n\s+return 404;/g)).toHaveLength(1);
  expect(site).not.toContain('proxy_pass "http://portfolio-api/metrics"');
});

test("a prefix covers whole path parts", () => {
  const paths = (...routes: readonly Partial<Route>[]) =>
    toHosts(makeModel([{ ...APP, routes: routes.map((route) => ({ ...first, ...route })) }]))[0]?.locations.map(
      ({ exact, path, target }) => `${exact ? "=" : ""}${path} ${target?.route.path ?? "-"}`,
    );
  expect(paths({ path: "/a" })).toEqual(["/ -", "=/a /a", "/a/ /a"]);
  expect(paths({ path: "/a/" })).toEqual(["/ -", "=/a -", "/a/ /a/"]);
  expect(paths({ path: "/" }, { path: "/a/" })).toEqual(["/ /", "=/a /", "/a/ /a/"]);
  expect(paths({ path: "/a" }, { path: "/a", exact: true })).toEqual(["/ -", "=/a /a", "/a/ /a"]);
  expect(paths({ path: "/a/b/" }, { path: "/a/" })).toEqual(["/ -", "=/a -", "/a/ /a/", "=/a/b /a/", "/a/b/ /a/b/"]);
});

test("what is denied is denied with a slash at its end, too, unless a route names that", () => {
  const deny = { path: "/", target: { kind: "deny", status: 404 } } as const;
  const below = { path: "/a/", target: { kind: "workload", workload: "api" } } as const;
  const own = /location = "\/a\/" \{\n +return 404;/;
  expect(text(deny, below)).toMatch(own);
  expect(text(deny, below, { ...below, exact: true })).not.toMatch(own);
  expect(text(deny, { ...below, path: "/a" })).not.toMatch(own);
  expect(text(below)).not.toMatch(own);
});

test("the configuration's hash follows every file", () => {
  expect(render({ path: "/" }).hash).toBe(render({ path: "/" }).hash);
  expect(render({ path: "/a" }).hash).not.toBe(render({ path: "/b" }).hash);
  expect(text({ path: "/" })).not.toContain("undefined");
});

test("a query condition holds for one plain spelling only", () => {
  const matches = (query: string): boolean =>
    new RegExp(safeQuery("visible", "true").replace("(?i:visible)", "[vV][iI][sS][iI][bB][lL][eE]")).test(query);
  const good = [
    "visible=true",
    "visible=true&page=1",
    "page=1&visible=true&size=9",
    "visibles=x&visible=true",
    "q=a=b&visible=true",
    "visible=true&q=%41",
  ];
  const bad = [
    "",
    "visible=false",
    "visible=true&visible=false",
    "visible=false&visible=true",
    "visible=true&visible=true",
    "Visible=false&visible=true",
    "visible=true&%76isible=false",
    "visible=true&visible",
    "visible",
    "visible=",
    "visible=truex",
    "visible=true;visible=false",
    "visible[]=false&visible=true",
    "visible%5B%5D=false&visible=true",
    "a=1;visible=false&visible=true",
    "visible=tru%65",
    "xvisible=true",
  ];
  expect(good.filter((query) => !matches(query))).toEqual([]);
  expect(bad.filter(matches)).toEqual([]);
});
