/** From hosts and routes to the text of the gateway's files. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import { shortHash, workloadName } from "../provisioner/model/names.ts";
import type { App, Route, StaticWorkload, Workload } from "../provisioner/model/types.ts";
import { makeTemplate } from "./handlebars.ts";
import type { Values } from "./handlebars.ts";
import { withSlash } from "./routes.ts";
import type { HostRoutes, Location, RouteOfApp } from "./routes.ts";
import {
  safeFile,
  safeHash,
  safeHost,
  safeListen,
  safeLog,
  safeMethod,
  safeName,
  safePath,
  safeQuery,
  safeRedirect,
  safeStatus,
  safeStrip,
} from "./safe.ts";
import type { Safe } from "./safe.ts";
import { MAIN } from "./templates/main.ts";
import { MISSING_PAGE, UNKNOWN_HOST_PAGE } from "./templates/pages.ts";
import { SCRIPT } from "./templates/script.ts";
import { METHODS, PROXY, QUERY, REDIRECT, RETURN, SITE, STATIC } from "./templates/site.ts";
import { ERROR_ANSWERS, ERROR_PAGES, HEADERS, PAGE, PROXY_OPTIONS, STATIC_FILES, UNKNOWN_HOST } from "./templates/snippets.ts";

export const GATEWAY_FOLDER = "/etc/croft/gateway";
export const SCRIPT_FILE = "/usr/lib/croft/gateway";

/** Where the gateway listens and logs; tests choose others. */
export type Places = { readonly http: string; readonly https: string; readonly status: string; readonly accessLog: string };

export const PLACES: Places = {
  http: "80",
  https: "443",
  status: "127.0.0.1:8090",
  accessLog: "syslog:server=unix:/run/systemd/journal/dev-log,nohostname,tag=gateway",
};

export type GatewayConfig = {
  readonly hosts: readonly HostRoutes[];
  /** `APP-WORKLOAD` to the folder that holds its files. */
  readonly roots: ReadonlyMap<string, string>;
  /** Any name of the certificate: what the reload proof asks for. */
  readonly host: string;
  readonly places?: Places;
};

const templates = {
  main: makeTemplate(MAIN),
  site: makeTemplate(SITE),
  methods: makeTemplate(METHODS),
  query: makeTemplate(QUERY),
  proxy: makeTemplate(PROXY),
  static: makeTemplate(STATIC),
  answer: makeTemplate(RETURN),
  redirect: makeTemplate(REDIRECT),
  script: makeTemplate(SCRIPT),
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

type Place = { readonly config: GatewayConfig; readonly location: Location };

const rootOf = (config: GatewayConfig, name: string): Safe => {
  const root = config.roots.get(name);
  if (root === undefined) throw new CroftError("BUG", `the static workload ${name} has no folder on the gateway`);
  return safeFile(root);
};

const renderStatic = (config: GatewayConfig, { app, route }: RouteOfApp, workload: StaticWorkload): Safe => {
  const name = workloadName(app.name, workload.name);
  const stripped = !route.exact && route.path !== "/";
  return templates.static({
    name: safeName(name),
    root: rootOf(config, name),
    exact: route.exact,
    spa: workload.spa,
    stripped,
    strip: stripped ? safeStrip(withSlash(route.path)) : NOTHING,
  });
};

/** `/docs` of a static workload at the prefix `/docs`: its page's relative links need the slash. */
const isFolderItself = (location: Location, route: Route): boolean => location.exact && !route.exact && route.path === location.path;

const renderWorkload = (place: Place, target: RouteOfApp, name: string): Safe => {
  const { app, route } = target;
  const workload = findWorkload(app, name);
  if (workload.kind === "node") {
    const upstream = safeName(workloadName(app.name, name));
    const rules = [renderMethods(route.methods), renderQuery(route.query)];
    return join([...rules, templates.proxy({ upstream, path: safePath(place.location.path) })]);
  }
  if (isFolderItself(place.location, route)) {
    return templates.redirect({ status: safeStatus(301), to: safeRedirect(`${place.location.path}/`) });
  }
  const methods = route.methods.length === 0 ? ["GET"] : route.methods;
  return join([renderMethods(methods), renderQuery(route.query), renderStatic(place.config, target, workload)]);
};

const renderBody = (place: Place): Safe => {
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
    case "workload":
      return renderWorkload(place, found, target.workload);
  }
};

type WorkloadOfApp = { readonly name: string; readonly app: App; readonly workload: Workload };

const workloadOf = ({ target }: Location): readonly WorkloadOfApp[] => {
  if (target === undefined || target.route.target.kind !== "workload") return [];
  const workload = findWorkload(target.app, target.route.target.workload);
  return [{ name: workloadName(target.app.name, workload.name), app: target.app, workload }];
};

/** The workloads that some location leads to, once each, by name. */
export const routedWorkloads = (hosts: readonly HostRoutes[]): readonly WorkloadOfApp[] => {
  const all = hosts.flatMap(({ locations }) => locations.flatMap(workloadOf));
  return [...new Map(all.map((one) => [one.name, one])).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

const METRICS = ["/metrics", "/metrics/"] as const;

/** What a workload says of itself is for the site's own network, whatever the routes say. */
const withoutMetrics = (locations: readonly Location[]): readonly Location[] => {
  if (!locations.flatMap(workloadOf).some(({ workload }) => workload.kind === "node")) return locations;
  const own = locations.filter(({ path }) => !METRICS.some((metrics) => metrics === path));
  return [...own, { exact: true, path: "/metrics", target: undefined }, { exact: false, path: "/metrics/", target: undefined }];
};

const toMissing = (config: GatewayConfig, host: HostRoutes): readonly Values[] =>
  routedWorkloads([host])
    .filter(({ workload }) => workload.kind === "static")
    .map(({ name }) => ({ name: safeName(name), root: rootOf(config, name) }));

const placesOf = (config: GatewayConfig) => {
  const { http, https, status, accessLog } = config.places ?? PLACES;
  return { http: safeListen(http), https: safeListen(https), status: safeListen(status), accessLog: safeLog(accessLog) };
};

export const renderSite = (config: GatewayConfig, host: HostRoutes): string => {
  const { http, https } = placesOf(config);
  const missing = toMissing(config, host);
  const locations = withoutMetrics(host.locations).map((location) => ({
    exact: location.exact,
    path: safePath(location.path),
    body: renderBody({ config, location }),
  }));
  return templates.site({ http, https, host: safeHost(host.host), locations, missing, pages: missing.length > 0 });
};

export const renderMain = (config: GatewayConfig, hash: string): string =>
  templates.main({
    ...placesOf(config),
    hash: safeHash(hash),
    hosts: config.hosts.map(({ host }) => safeHost(host)),
    upstreams: routedWorkloads(config.hosts)
      .filter(({ workload }) => workload.kind === "node")
      .map(({ name }) => safeName(name)),
  });

export const renderScript = (config: GatewayConfig): string => {
  const { https, status } = placesOf(config);
  return templates.script({ https, status, host: safeHost(config.host) });
};

export type GatewayFiles = {
  /** Absolute path to text: everything nginx reads of the generation. */
  readonly files: Readonly<Record<string, string>>;
  /** Hash of all of it, served at `/croft/config`. */
  readonly hash: string;
};

const renderFiles = (config: GatewayConfig, hash: string): Readonly<Record<string, string>> => ({
  [`${GATEWAY_FOLDER}/nginx.conf`]: renderMain(config, hash),
  [`${GATEWAY_FOLDER}/headers.conf`]: HEADERS,
  [`${GATEWAY_FOLDER}/error-pages.conf`]: ERROR_PAGES,
  [`${GATEWAY_FOLDER}/errors.conf`]: ERROR_ANSWERS,
  [`${GATEWAY_FOLDER}/static.conf`]: STATIC_FILES,
  [`${GATEWAY_FOLDER}/page.conf`]: PAGE,
  [`${GATEWAY_FOLDER}/proxy.conf`]: PROXY_OPTIONS,
  [`${GATEWAY_FOLDER}/unknown-host.conf`]: UNKNOWN_HOST,
  [`${GATEWAY_FOLDER}/pages/missing.html`]: MISSING_PAGE,
  [`${GATEWAY_FOLDER}/pages/unknown-host.html`]: UNKNOWN_HOST_PAGE,
  ...Object.fromEntries(config.hosts.map((host) => [`${GATEWAY_FOLDER}/sites/${safeHost(host.host)}.conf`, renderSite(config, host)])),
});

export const renderGateway = (config: GatewayConfig): GatewayFiles => {
  const hash = shortHash(JSON.stringify(renderFiles(config, "")), 32);
  return { hash, files: { ...renderFiles(config, hash), [`${GATEWAY_FOLDER}/config-hash`]: `${hash}\n` } };
};
