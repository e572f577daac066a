/** What routes demand, as nginx says it: limits, origins, caches, and the gate's question. Pure. */
import { shortHash } from "../provisioner/model/names.ts";
import type { App, Route, RouteRules } from "../provisioner/model/types.ts";
import { makeTemplate } from "./handlebars.ts";
import type { Values } from "./handlebars.ts";
import type { HostRoutes, RouteOfApp } from "./routes.ts";
import { safeHash, safeMethod, safeHeader, safeName, safeNumber, safeOrigin } from "./safe.ts";
import type { Safe } from "./safe.ts";
import { AUTH, CACHE, CONNECTIONS, CORS, LIMITS, RATE, TIMES } from "./templates/rules.ts";

const templates = {
  auth: makeTemplate(AUTH),
  cache: makeTemplate(CACHE),
  connections: makeTemplate(CONNECTIONS),
  cors: makeTemplate(CORS),
  limits: makeTemplate(LIMITS),
  rate: makeTemplate(RATE),
  times: makeTemplate(TIMES),
};

const NOTHING = "" as Safe;
const MIB = 1_048_576;
export const DEFAULT_TIMEOUT_S = 30;

/** What the gate checks, by a name that both it and nginx know. */
export type GatePolicy = { readonly name: string; readonly app: App; readonly mode: "jwt" | "session"; readonly role?: string };

const policyOf = (app: App, auth: NonNullable<RouteRules["auth"]>): GatePolicy => ({
  name: `${app.name}-${auth.mode}-${shortHash(auth.role ?? "", 8)}`,
  app,
  mode: auth.mode,
  ...(auth.role === undefined ? {} : { role: auth.role }),
});

const routesOf = (hosts: readonly HostRoutes[]): readonly RouteOfApp[] =>
  hosts.flatMap(({ locations }) => locations.flatMap(({ target }) => target ?? []));

/** Every policy that some route of these hosts asks for, once, by name. */
export const gatePolicies = (hosts: readonly HostRoutes[]): readonly GatePolicy[] => {
  const all = routesOf(hosts).flatMap(({ app, route }) => (route.rules?.auth === undefined ? [] : [policyOf(app, route.rules.auth)]));
  return [...new Map(all.map((policy) => [policy.name, policy])).values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** One name for the limits of a route, in the main file and in its location. */
const zoneOf = ({ app, route }: RouteOfApp): Safe =>
  safeHash(shortHash(JSON.stringify([app.name, route.host, route.path, route.exact]), 12));

const originsName = (origins: readonly string[]): Safe => safeHash(shortHash(JSON.stringify(origins), 12));

const allMethods = (methods: readonly string[]): string =>
  (methods.length === 0 ? ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] : methods).map(safeMethod).join(", ");

const corsName = (route: Route, origins: readonly string[]): Safe => originsName([...origins, allMethods(route.methods)]);

/** Zones and maps that the rules of all hosts need beside their locations. */
export const rulesInMain = (hosts: readonly HostRoutes[]): { readonly [name: string]: readonly Values[] } => {
  const routes = [...new Map(routesOf(hosts).map((one) => [String(zoneOf(one)), one])).values()];
  const rates = routes.flatMap((one) => {
    const rate = one.route.rules?.rate;
    return rate === undefined ? [] : [{ zone: zoneOf(one), rate: safeNumber(rate.requests), minute: rate.per === "m" }];
  });
  const connections = routes.flatMap((one) => (one.route.rules?.connections === undefined ? [] : [{ zone: zoneOf(one) }]));
  const cors = routes.flatMap(({ route }) => {
    const origins = route.rules?.cors;
    if (origins === undefined) return [];
    return [{ name: corsName(route, origins), methods: allMethods(route.methods) as Safe, origins: origins.map(safeOrigin) }];
  });
  return { rates, connections, cors: [...new Map(cors.map((one) => [String(one.name), one])).values()] };
};

/** What comes before methods are looked at: a browser asks first whether it may ask. */
export const renderPreflight = ({ route }: RouteOfApp): Safe => {
  const origins = route.rules?.cors;
  return origins === undefined ? NOTHING : templates.cors({ name: corsName(route, origins) });
};

/** A burst of one second's requests, or of a minute's, passes at once. */
const renderLimits = (target: RouteOfApp): Safe => {
  const { rate, connections, bodyMaxBytes } = target.route.rules ?? {};
  const zone = zoneOf(target);
  return [
    rate === undefined ? NOTHING : templates.rate({ zone, burst: safeNumber(rate.requests) }),
    connections === undefined ? NOTHING : templates.connections({ zone, connections: safeNumber(connections) }),
    bodyMaxBytes === undefined ? NOTHING : templates.limits({ bytes: safeNumber(bodyMaxBytes) }),
  ].join("") as Safe;
};

const renderAuth = ({ app, route }: RouteOfApp): Safe => {
  const auth = route.rules?.auth;
  if (auth === undefined) return NOTHING;
  return templates.auth({ policy: safeName(policyOf(app, auth).name), session: auth.mode === "session" });
};

/** For every kind of target. */
export const renderRules = (target: RouteOfApp): Safe => [renderLimits(target), renderAuth(target)].join("") as Safe;

const CACHES = { off: "no-store", short: "max-age=60", immutable: "max-age=31536000, immutable" } as const;

export const renderCache = ({ route }: RouteOfApp): Safe => {
  const { cache, auth } = route.rules ?? {};
  if (cache === undefined) return NOTHING;
  const scope = auth === undefined ? "public" : "private";
  const value = cache === "off" ? CACHES.off : `${scope}, ${CACHES[cache]}`;
  return templates.cache({ value: value as Safe, always: cache === "off" });
};

/** For what a workload answers: its time, its caches, who asks, and the app's key. */
export const renderUpstreamRules = (target: RouteOfApp): Safe => {
  const { app, route } = target;
  const { timeoutSeconds = DEFAULT_TIMEOUT_S, bodyMaxBytes = 0, auth, cors } = route.rules ?? {};
  const times = templates.times({
    seconds: safeNumber(timeoutSeconds),
    streamed: bodyMaxBytes > MIB,
    person: auth !== undefined,
    session: auth?.mode === "session",
    cors: cors !== undefined,
    key: app.apiKey !== undefined,
    header: safeHeader(app.apiKey?.header ?? "X-Api-Key"),
    app: safeName(app.name),
  });
  return [times, renderCache(target)].join("") as Safe;
};

/** The gate's places on one host. */
export const renderGatePlaces = (host: HostRoutes): readonly Values[] =>
  gatePolicies([host]).map(({ name, mode }) => ({ policy: safeName(name), session: mode === "session" }));

/** People of a host sign in once, whatever its routes demand beyond that. */
export const sessionOf = (host: HostRoutes): readonly Values[] =>
  gatePolicies([host])
    .filter(({ mode }) => mode === "session")
    .slice(0, 1)
    .map(({ name }) => ({ policy: safeName(name) }));
