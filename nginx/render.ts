/** From hosts and routes to the text of the gateway's files. Pure. */
import { shortHash, workloadName } from "../provisioner/model/names.ts";
import type { App, Workload } from "../provisioner/model/types.ts";
import { shownBuckets } from "./buckets.ts";
import { makeTemplate } from "./handlebars.ts";
import type { Values } from "./handlebars.ts";
import { findWorkload, renderBody, rootOf } from "./location-bodies.ts";
import type { Roots } from "./location-bodies.ts";
import type { HostRoutes, Location } from "./routes.ts";
import { NO_ORIGINS, renderPolicy } from "./policy.ts";
import type { Origins } from "./policy.ts";
import { renderPlaces, servicesInMain } from "./services.ts";
import { gatePolicies, renderGatePlaces, rulesInMain, sessionOf } from "./rules.ts";
import { safeAddress, safeHash, safeHost, safeListen, safeLog, safeName, safePath, safePort, safeRange } from "./safe.ts";
import { MAIN } from "./templates/main.ts";
import { MISSING_PAGE, UNKNOWN_HOST_PAGE } from "./templates/pages.ts";
import { GATE_OPTIONS, GATE_PLACES, MAIN_RULES } from "./templates/rules.ts";
import { SCRIPT } from "./templates/script.ts";
import { SERVICE_UPSTREAM } from "./templates/services.ts";
import { SITE } from "./templates/site.ts";
import {
  ERROR_ANSWERS,
  ERROR_PAGES,
  HEADERS,
  PAGE,
  PROXY_OPTIONS,
  S3_ERROR_ANSWERS,
  STATIC_FILES,
  UNKNOWN_HOST,
} from "./templates/snippets.ts";

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
  readonly roots: Roots;
  /** What the pages of an app may load beside their own host, by the app's name. */
  readonly origins?: ReadonlyMap<string, Origins>;
  /** Any name of the certificate: what the reload proof asks for. */
  readonly host: string;
  readonly places?: Places;
  /** Ranges of proxies in front, which alone may say who the client is. */
  readonly behind?: readonly string[];
};

const templates = {
  main: makeTemplate(MAIN),
  site: makeTemplate(SITE),
  script: makeTemplate(SCRIPT),
  gate: makeTemplate(GATE_PLACES),
  rules: makeTemplate(MAIN_RULES),
  services: makeTemplate(SERVICE_UPSTREAM),
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
    .map(({ name }) => ({ name: safeName(name), root: rootOf(config.roots, name) }));

const placesOf = (config: GatewayConfig) => {
  const { http, https, status, accessLog } = config.places ?? PLACES;
  return { http: safeListen(http), https: safeListen(https), status: safeListen(status), accessLog: safeLog(accessLog) };
};

const routeLocations = (config: GatewayConfig, host: HostRoutes): readonly Values[] =>
  withoutMetrics(host.locations).map((location) => ({
    exact: location.exact,
    path: safePath(location.path),
    body: renderBody({ roots: config.roots, location, ...(config.origins === undefined ? {} : { origins: config.origins }) }),
  }));

const speaksS3 = ({ service }: HostRoutes): boolean => service?.published.dialect === "s3";

export const renderSite = (config: GatewayConfig, host: HostRoutes): string => {
  const { http, https } = placesOf(config);
  const missing = toMissing(config, host);
  const policy = renderPolicy(
    routedWorkloads([host]).flatMap(({ app, workload }) =>
      workload.kind === "static" ? [config.origins?.get(app.name) ?? NO_ORIGINS] : [],
    ),
  );
  const locations = host.service === undefined ? routeLocations(config, host) : renderPlaces(host.service);
  const gate = templates.gate({ gates: renderGatePlaces(host), sessions: sessionOf(host) });
  const s3 = speaksS3(host);
  return templates.site({ http, https, host: safeHost(host.host), locations, gate, missing, s3, policy, pages: missing.length > 0 });
};

export const renderMain = (config: GatewayConfig, hash: string): string =>
  templates.main({
    ...placesOf(config),
    hash: safeHash(hash),
    behind: (config.behind ?? []).map(safeRange),
    proxied: (config.behind ?? []).length > 0,
    rules: templates.rules(rulesInMain(config.hosts)),
    gate: gatePolicies(config.hosts).length > 0 || shownBuckets(config.hosts).length > 0,
    services: templates.services({
      ...servicesInMain(config.hosts),
      services: config.hosts.flatMap(({ service }) =>
        service === undefined
          ? []
          : [{ name: safeName(service.name), address: safeAddress(service.address), port: safePort(service.port) }],
      ),
    }),
    hosts: config.hosts.map(({ host }) => safeHost(host)),
    upstreams: routedWorkloads(config.hosts)
      .filter(({ workload }) => workload.kind === "node")
      .map(({ name }) => safeName(name)),
  });

/** Apps whose requests carry a key of the gateway. */
export const keyedApps = (hosts: readonly HostRoutes[]): readonly App[] => [
  ...new Map(
    routedWorkloads(hosts)
      .filter(({ app, workload }) => app.apiKey !== undefined && workload.kind === "node")
      .map(({ app }) => [app.name, app]),
  ).values(),
];

export const renderScript = (config: GatewayConfig): string => {
  const { https, status } = placesOf(config);
  return templates.script({ https, status, host: safeHost(config.host), keys: keyedApps(config.hosts).length > 0 });
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
  ...(config.hosts.some(speaksS3) ? { [`${GATEWAY_FOLDER}/errors-s3.conf`]: S3_ERROR_ANSWERS } : {}),
  [`${GATEWAY_FOLDER}/static.conf`]: STATIC_FILES,
  [`${GATEWAY_FOLDER}/page.conf`]: PAGE,
  [`${GATEWAY_FOLDER}/proxy.conf`]: PROXY_OPTIONS,
  [`${GATEWAY_FOLDER}/gate.conf`]: GATE_OPTIONS,
  [`${GATEWAY_FOLDER}/unknown-host.conf`]: UNKNOWN_HOST,
  [`${GATEWAY_FOLDER}/pages/missing.html`]: MISSING_PAGE,
  [`${GATEWAY_FOLDER}/pages/unknown-host.html`]: UNKNOWN_HOST_PAGE,
  ...Object.fromEntries(config.hosts.map((host) => [`${GATEWAY_FOLDER}/sites/${safeHost(host.host)}.conf`, renderSite(config, host)])),
});

export const renderGateway = (config: GatewayConfig): GatewayFiles => {
  const hash = shortHash(JSON.stringify(renderFiles(config, "")), 32);
  return { hash, files: { ...renderFiles(config, hash), [`${GATEWAY_FOLDER}/config-hash`]: `${hash}\n` } };
};
