/** What stands inside the locations of a host. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import { workloadName } from "../provisioner/model/names.ts";
import type { App, BucketTarget, Route, StaticWorkload, Workload } from "../provisioner/model/types.ts";
import { bucketPlace } from "./buckets.ts";
import { makeTemplate } from "./handlebars.ts";
import { NO_ORIGINS, renderPolicy } from "./policy.ts";
import type { Origins } from "./policy.ts";
import { withSlash } from "./routes.ts";
import { DEFAULT_TIMEOUT_S, renderCache, renderPreflight, renderRules, renderUpstreamRules } from "./rules.ts";
import type { Location, RouteOfApp } from "./routes.ts";
import { safeFile, safeMethod, safeName, safeNumber, safePath, safeQuery, safeRedirect, safeStatus, safeStrip } from "./safe.ts";
import type { Safe } from "./safe.ts";
import { BUCKET, METHODS, PROXY, QUERY, REDIRECT, RETURN, STATIC } from "./templates/site.ts";

/** `APP-WORKLOAD` to the folder that holds its files. */
export type Roots = ReadonlyMap<string, string>;

const templates = {
  methods: makeTemplate(METHODS),
  query: makeTemplate(QUERY),
  bucket: makeTemplate(BUCKET),
  proxy: makeTemplate(PROXY),
  static: makeTemplate(STATIC),
  answer: makeTemplate(RETURN),
  redirect: makeTemplate(REDIRECT),
};

const NOTHING = "" as Safe;
const join = (parts: readonly Safe[], between = ""): Safe => parts.join(between) as Safe;

export const findWorkload = (app: App, name: string): Workload => {
  const found = app.workloads.find((workload) => workload.name === name);
  if (found === undefined) throw new CroftError("CONFIG_INVALID", `a route of ${app.name} leads to ${name}, which is no workload`);
  return found;
};

const renderMethods = (methods: readonly string[]): Safe => {
  if (methods.length === 0) return NOTHING;
  const all = methods.includes("GET") ? [...new Set(["GET", "HEAD", ...methods])] : methods;
  const safe = all.map(safeMethod);
  return templates.methods({ pattern: join(safe, "|"), allow: join(safe, ", ") });
};

const renderQuery = (query: Route["query"]): Safe =>
  join(Object.entries(query).map(([name, value]) => templates.query({ pattern: safeQuery(name, value) })));

type Place = {
  readonly roots: Roots;
  readonly location: Location;
  /** What pages may load beside their own host, by app. */
  readonly origins?: ReadonlyMap<string, Origins>;
};

export const rootOf = (roots: Roots, name: string): Safe => {
  const root = roots.get(name);
  if (root === undefined) throw new CroftError("BUG", `the static workload ${name} has no folder on the gateway`);
  return safeFile(root);
};

const renderStatic = (roots: Roots, { app, route }: RouteOfApp, workload: StaticWorkload): Safe => {
  const name = workloadName(app.name, workload.name);
  const stripped = !route.exact && route.path !== "/";
  return templates.static({
    name: safeName(name),
    root: rootOf(roots, name),
    exact: route.exact,
    spa: workload.spa,
    stripped,
    strip: stripped ? safeStrip(withSlash(route.path)) : NOTHING,
  });
};

/** `/docs` of files at the prefix `/docs`: its page's relative links need the slash. */
const isFolderItself = (location: Location, route: Route): boolean => location.exact && !route.exact && route.path === location.path;

const renderWorkload = (place: Place, target: RouteOfApp, name: string): Safe => {
  const { app, route } = target;
  const workload = findWorkload(app, name);
  if (workload.kind === "node") {
    const upstream = safeName(workloadName(app.name, name));
    const rules = [renderPreflight(target), renderMethods(route.methods), renderQuery(route.query), renderRules(target)];
    return join([...rules, templates.proxy({ upstream, path: safePath(place.location.path) }), renderUpstreamRules(target)]);
  }
  if (isFolderItself(place.location, route)) {
    return templates.redirect({ status: safeStatus(301), to: safeRedirect(`${place.location.path}/`) });
  }
  const methods = route.methods.length === 0 ? ["GET"] : route.methods;
  const rules = [renderPreflight(target), renderMethods(methods), renderQuery(route.query), renderRules(target)];
  return join([...rules, renderStatic(place.roots, target, workload)]);
};

/** Signed and fetched by the gate, which hears of the request only what can matter for an object. */
const renderBucket = (place: Place, target: RouteOfApp, bucket: BucketTarget): Safe => {
  const { app, route } = target;
  if (isFolderItself(place.location, route)) {
    return templates.redirect({ status: safeStatus(301), to: safeRedirect(`${place.location.path}/`) });
  }
  const rules = [renderPreflight(target), renderMethods(route.methods), renderQuery(route.query), renderRules(target)];
  const settings = {
    name: safeName(bucketPlace(app, route, bucket)),
    path: safePath(route.exact ? place.location.path : "/"),
    seconds: safeNumber(route.rules?.timeoutSeconds ?? DEFAULT_TIMEOUT_S),
    policy: renderPolicy([place.origins?.get(app.name) ?? NO_ORIGINS]),
  };
  return join([...rules, templates.bucket(settings), renderCache(target)]);
};

export const renderBody = (place: Place): Safe => {
  const found = place.location.target;
  if (found === undefined) return templates.answer({ status: safeStatus(404) });
  const { target } = found.route;
  switch (target.kind) {
    case "deny":
      return templates.answer({ status: safeStatus(target.status) });
    case "redirect":
      return join([
        renderMethods(found.route.methods),
        renderQuery(found.route.query),
        templates.redirect({ status: safeStatus(302), to: safeRedirect(target.to) }),
      ]);
    case "bucket":
      return renderBucket(place, found, target);
    case "workload":
      return renderWorkload(place, found, target.workload);
  }
};
