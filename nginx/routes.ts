/** From routes to the locations of one host, so that a prefix means whole path parts. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import type { Published } from "../provisioner/model/contribution.ts";
import type { App, Model, Route } from "../provisioner/model/types.ts";

export type RouteOfApp = { readonly app: App; readonly route: Route };

export type Location = {
  readonly exact: boolean;
  readonly path: string;
  /** Undefined: nothing answers there. */
  readonly target: RouteOfApp | undefined;
};

/** A service behind a host of its own. */
export type HostService = { readonly name: string; readonly address: string; readonly port: number; readonly published: Published };

export type HostRoutes = { readonly host: string; readonly locations: readonly Location[]; readonly service?: HostService };

const READING = ["GET", "HEAD"];
const withoutSlash = (path: string): string => (path.endsWith("/") && path !== "/" ? path.slice(0, -1) : path);
export const withSlash = (path: string): string => (path.endsWith("/") ? path : `${path}/`);

/** `/a` covers `/a` and `/a/…`, `/a/` only what is below it, `/` everything. */
const covers = (prefix: string, path: string): boolean => path === prefix || path.startsWith(withSlash(prefix));

const byLength = (a: RouteOfApp, b: RouteOfApp): number => b.route.path.length - a.route.path.length;

const longestPrefix = (routes: readonly RouteOfApp[], path: string): RouteOfApp | undefined =>
  routes.filter(({ route }) => !route.exact && covers(route.path, path)).toSorted(byLength)[0];

/**
 * Many programs read `/a/` as `/a`. So where `/a` is denied and `/a/` leads to a program, `/a/` itself is
 * denied too, and only what has a name below it is open.
 */
const deniedTwin = (own: RouteOfApp | undefined, routes: readonly RouteOfApp[], path: string, one: RouteOfApp): readonly Location[] => {
  const twin = own ?? longestPrefix(routes, withoutSlash(path));
  const denied = twin !== one && twin?.route.target.kind === "deny" && ["workload", "bucket"].includes(one.route.target.kind);
  return denied ? [{ exact: true, path, target: twin }] : [];
};

/**
 * nginx would redirect `/a` to `/a/` and let `/a` match `/ab`; so each prefix becomes a location that
 * ends in a slash, and the path without it gets an exact one of its own.
 */
const toLocations = (routes: readonly RouteOfApp[]): readonly Location[] => {
  const exact = new Map(routes.filter(({ route }) => route.exact).map((one) => [one.route.path, one]));
  const prefixes = new Map(
    routes
      .filter(({ route }) => !route.exact)
      .toSorted((a, b) => a.route.path.length - b.route.path.length)
      .map((one) => [withSlash(one.route.path), one]),
  );
  const twins = [...prefixes.keys()].map(withoutSlash).filter((path) => path !== "/" && !exact.has(path));
  const found: readonly Location[] = [
    ...[...exact].map(([path, target]) => ({ exact: true, path, target })),
    ...[...prefixes].flatMap(([path, one]) => (exact.has(path) ? [] : deniedTwin(exact.get(withoutSlash(path)), routes, path, one))),
    ...twins.map((path) => ({ exact: true, path, target: longestPrefix(routes, path) })),
    ...[...prefixes].map(([path, target]) => ({ exact: false, path, target })),
    ...(prefixes.has("/") ? [] : [{ exact: false, path: "/", target: undefined }]),
  ];
  return found.toSorted((a, b) => (a.path === b.path ? Number(b.exact) - Number(a.exact) : a.path < b.path ? -1 : 1));
};

const refuseTwice = (host: string, routes: readonly RouteOfApp[]): void => {
  const keys = routes.map(({ route }) => `${route.exact ? "the whole path" : "prefix"} ${route.path}`);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new CroftError("CONFIG_INVALID", `two routes of ${host} answer ${twice}`);
};

const refuseShared = (hosts: readonly HostRoutes[], services: readonly HostService[]): void => {
  const names = [...hosts.map(({ host }) => host), ...services.map(({ published }) => published.host)];
  const shared = names.find((name, index) => names.indexOf(name) !== index);
  const owner = services.find(({ published }) => published.host === shared)?.name;
  if (shared === undefined) return;
  throw new CroftError("CONFIG_INVALID", `the host ${shared} belongs to the service ${owner}: nothing else can answer there`, {
    hint: "give the route another host, or the service another `host`",
  });
};

/** Every host with a route or a service, in order of its name. */
export const toHosts = (model: Model, services: readonly HostService[] = []): readonly HostRoutes[] => {
  const hosts = toRouteHosts(model);
  refuseShared(hosts, services);
  const served = services.map((service) => ({ host: service.published.host, locations: [], service }));
  return [...hosts, ...served].toSorted((a, b) => (a.host < b.host ? -1 : 1));
};

/** Whatever the file says, nothing is written to a bucket through a route. */
const readingOnly = (route: Route): Route => {
  if (route.target.kind !== "bucket") return route;
  const reading = route.methods.filter((method) => READING.includes(method));
  return { ...route, methods: reading.length === 0 ? READING : reading };
};

const toRouteHosts = (model: Model): readonly HostRoutes[] => {
  const all = model.apps.flatMap((app) => app.routes.map((route) => ({ app, route: readingOnly(route) })));
  return [...new Set(all.map(({ route }) => route.host))].toSorted().map((host) => {
    const routes = all.filter(({ route }) => route.host === host);
    refuseTwice(host, routes);
    return { host, locations: toLocations(routes) };
  });
};
