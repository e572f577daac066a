/** What a running gateway must answer, derived from the routes alone. Pure. */
import { withSlash } from "./routes.ts";
import type { Model, Route, Workload } from "../provisioner/model/types.ts";

export type SmokeCheck = {
  readonly name: string;
  readonly scheme: "https" | "http";
  readonly host: string;
  /** Name for TLS where it is another one: an unknown host has no certificate of its own. */
  readonly serverName?: string;
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly expect: {
    readonly status: number;
    /** Beginning of the content type. */
    readonly type?: string;
    /** Beginning of the Location header. */
    readonly location?: string;
    readonly headers?: readonly string[];
  };
};

type Located = { readonly route: Route; readonly workload: Workload | undefined };

const locate = (model: Model): readonly Located[] =>
  model.apps.flatMap((app) =>
    app.routes.map((route) => ({
      route,
      workload: app.workloads.find(({ name }) => route.target.kind === "workload" && route.target.workload === name),
    })),
  );

const queryOf = (route: Route): string => {
  const text = new URLSearchParams(route.query).toString();
  return text === "" ? "" : `?${text}`;
};

/** Paged lists want a page; harmless where they do not. */
const pathOf = (route: Route): string => {
  const query = queryOf(route);
  return query === "" ? route.path : `${route.path}${query}&page=1&size=6`;
};

const https = (name: string, host: string, path: string, expect: SmokeCheck["expect"], method: "GET" | "POST" = "GET"): SmokeCheck => ({
  name,
  scheme: "https",
  host,
  path,
  method,
  expect,
});

const SECURITY_HEADERS = ["strict-transport-security", "x-content-type-options", "content-security-policy"];

const routeChecks = ({ route, workload }: Located): readonly SmokeCheck[] => {
  const { host, path } = route;
  if (route.target.kind === "deny") return [https(`${path} is closed`, host, path, { status: route.target.status })];
  if (route.target.kind === "redirect") return [https(`${path} moves on`, host, path, { status: 302, location: route.target.to })];
  const gets = route.methods.length === 0 || route.methods.includes("GET");
  if (route.rules?.auth !== undefined) return gets ? [https(`${path} needs a login`, host, pathOf(route), { status: 401 })] : [];
  if (workload?.kind === "static") {
    return [
      https(`page ${path}`, host, path, { status: 200, type: "text/html", headers: SECURITY_HEADERS }),
      ...(workload.config === undefined || route.exact
        ? []
        : [
            https("what pages are told", host, `${withSlash(path)}config.json`, {
              status: 200,
              type: "application/json",
              headers: ["cache-control"],
            }),
          ]),
      { ...https(`${path} by HTTP leads to HTTPS`, host, path, { status: 308, location: `https://${host}/` }), scheme: "http" },
    ];
  }
  // What lies in a bucket is the app's affair.
  if (route.target.kind === "bucket") return [];
  if (!route.exact && path.endsWith("/")) return [];
  const answers = https(`answer ${pathOf(route)}`, host, pathOf(route), { status: 200, type: "application/json" });
  const closed = route.methods.length > 0 && !route.methods.includes("POST");
  return closed ? [answers, https(`no POST to ${path}`, host, pathOf(route), { status: 405 }, "POST")] : [answers];
};

export const smokeChecks = (model: Model): readonly SmokeCheck[] => {
  const located = locate(model);
  const proxied = [...new Set(located.filter(({ workload }) => workload?.kind === "node").map(({ route }) => route.host))];
  return [
    ...located.flatMap(routeChecks),
    ...proxied.map((host) => https("metrics are not public", host, "/metrics", { status: 404 })),
    {
      ...https("a name nobody serves", `nobody.${model.domain}`, "/", { status: 404 }),
      serverName: located[0]?.route.host ?? model.domain,
    },
  ];
};

/** The same check by hand. */
export const toCurl = (check: SmokeCheck, address: string, authority: string): string => {
  const port = check.scheme === "https" ? 443 : 80;
  const method = check.method === "GET" ? "" : ` -X ${check.method}`;
  const name = check.serverName ?? check.host;
  const host = name === check.host ? "" : ` -H 'Host: ${check.host}'`;
  return `curl -i${method}${host} --cacert ${authority} --resolve ${name}:${port}:${address} '${check.scheme}://${name}${check.path}'`;
};
