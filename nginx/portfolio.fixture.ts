/** The example site as the gateway's tests know it. */
import type { DesireInput, Endpoint } from "../provisioner/model/contribution.ts";
import type { App, Model, Route } from "../provisioner/model/types.ts";

const DOMAIN = "portfolio.test";
const WWW = `www.${DOMAIN}`;

type Extras = Partial<Omit<Route, "target">>;
const to = (workload: string, extras: Extras = {}): Route => ({
  host: WWW,
  path: "/",
  exact: false,
  methods: [],
  query: {},
  ...extras,
  target: { kind: "workload", workload },
});
const api = (path: string, extras: Extras = {}): Route => to("api", { path, exact: true, methods: ["GET"], ...extras });

export const ROUTES: readonly Route[] = [
  to("site", { host: DOMAIN }),
  to("site"),
  { ...api("/api/"), exact: false, methods: [], target: { kind: "deny", status: 404 } },
  api("/ping"),
  api("/api/portfolio/v2/projects", { query: { visible: "true" } }),
  api("/api/portfolio/v1/projects/", { exact: false }),
  api("/api/portfolio/v1/projects/spotlights", { exact: false }),
  api("/api/about/v1/me"),
  api("/api/contact/v1/information"),
];

export const APP: App = {
  name: "portfolio",
  workloads: [
    {
      kind: "node",
      name: "api",
      machine: "app",
      source: "api",
      output: "dist",
      start: "server.js",
      port: 8080,
      metricsPort: 9464,
      memoryBytes: 268_435_456,
      environment: {},
      health: { live: "/livez", ready: "/readyz" },
      stopSignal: "SIGTERM",
      stopTimeoutSeconds: 35,
    },
    { kind: "static", name: "site", source: "site", output: "dist", spa: true },
  ],
  routes: ROUTES,
};

const machine = (name: string) => ({ name, host: "local", cpus: 1, memoryBytes: 536_870_912, rootDiskBytes: 4_294_967_296, disks: [] });

export const makeModel = (apps: readonly App[] = [APP]): Model => ({
  site: "portfolio",
  domain: DOMAIN,
  environment: "default",
  mode: "development",
  network: "10.91.0.0/16",
  hosts: [{ name: "local" }],
  machines: [machine("edge"), machine("app")],
  services: { gateway: { machine: "edge" } },
  apps,
  folder: "/site",
});

const endpoint = (port: number): Endpoint => ({
  app: "portfolio",
  name: "workload.portfolio-api",
  machine: "app",
  port,
  protocol: "http",
  properties: { address: "10.91.0.12", port: String(port) },
  secrets: [],
  needs: ["release/portfolio-api"],
});

/** `port`: where the current release answers; undefined: there is none yet. */
export const makeInput = (model: Model = makeModel(), port: number | undefined = 8081): DesireInput => ({
  model,
  versions: { of: (kind, name) => `${kind}-${name}-0` },
  endpoints: port === undefined ? [] : [endpoint(port)],
  releases: {},
  recorded: new Map(),
  address: (name) => ({ edge: "10.91.0.11", app: "10.91.0.12" })[name] ?? "10.91.0.99",
  migrations: {},
  programs: {},
  databases: [],
});
