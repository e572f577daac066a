/** From routes to the locations of one host, so that a prefix means whole path parts. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import type { App, Model, Route } from "../provisioner/model/types.ts";

export type RouteOfApp = { readonly app: App; readonly route: Route };

export type Location = {
  readonly exact: boolean;
  readonly path: string;
  /** Undefined: nothing answers there. */
  readonly target: RouteOfApp | undefined;
};

export type HostRoutes = { readonly host: string; readonly locations: readonly Location[] };

const withoutSlash = (path: string): string => (path.endsWith("/") && path !== "/" ? path.slice(0, -1) : path);
export const withSlash = (path: string): string => (path.endsWith("/") ? path : `${path}/`);

/** `/a` covers `/a` and `/a/…`, `/a/` only what is below it, `/` everything. */
const covers = (prefix: string, path: string): boolean => path === prefix || path.startsWith(withSlash(prefix));

const byLength = (a: RouteOfApp, b: RouteOfApp): number => b.route.path.length - a.route.path.length;

const longestPrefix = (routes: readonly RouteOfApp[], path: string): RouteOfApp | undefined =>
  routes.filter(({ route }) => !route.exact && covers(route.path, path)).toSorted(byLength)[0];

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

/** Every host with a route, in order of its name. */
export const toHosts = (model: Model): readonly HostRoutes[] => {
  const all = model.apps.flatMap((app) => app.routes.map((route) => ({ app, route })));
  return [...new Set(all.map(({ route }) => route.host))].toSorted().map((host) => {
    const routes = all.filter(({ route }) => route.host === host);
    refuseTwice(host, routes);
    return { host, locations: toLocations(routes) };
  });
};
