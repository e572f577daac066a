/** One app with a node workload, and what is desired for it. */
import type { BuiltRelease, DesireInput, Endpoint } from "../../../provisioner/model/contribution.ts";
import { shortHash } from "../../../provisioner/model/names.ts";
import type { App, Model, NodeWorkload, StaticWorkload } from "../../../provisioner/model/types.ts";
import type { Recorded, Resource } from "../../../provisioner/plan/resource.ts";

export const api: NodeWorkload = {
  name: "api",
  kind: "node",
  machine: "app",
  source: "api",
  output: ".",
  start: "server.js",
  port: 8080,
  metricsPort: 9464,
  memoryBytes: 256 * 1024 ** 2,
  environment: { DATABASE_URL: "${database.rw.url}", LOG_LEVEL: "info" },
  health: { live: "/livez", ready: "/readyz" },
  stopSignal: "SIGTERM",
  stopTimeoutSeconds: 30,
};

export const page: StaticWorkload = { name: "page", kind: "static", source: "page", output: ".", spa: true };

const machine = (name: string) => ({ name, host: "local", cpus: 1, memoryBytes: 1024 ** 3, rootDiskBytes: 1024 ** 3, disks: [] });

export const modelWith = (app: Partial<App> = {}, model: Partial<Model> = {}): Model => ({
  site: "shop",
  domain: "shop.test",
  environment: "default",
  mode: "development",
  network: "10.91.0.0/16",
  hosts: [{ name: "local" }],
  machines: [machine("app"), machine("edge")],
  services: { gateway: { machine: "edge" } },
  apps: [{ name: "shop", workloads: [api, page], routes: [], ...app }],
  folder: "/nowhere",
  ...model,
});

export const database: Endpoint = {
  app: "shop",
  name: "database.rw",
  machine: "data",
  port: 5432,
  protocol: "postgresql",
  properties: { url: "postgresql://shop_rw:{{secret postgres/shop/rw}}@postgres/shop", host: "postgres" },
  secrets: ["postgres/shop/rw"],
  needs: ["postgres-grants/shop"],
};

export type Wanted = {
  readonly model?: Model;
  readonly releases?: Readonly<Record<string, BuiltRelease>>;
  readonly recorded?: readonly Recorded[];
  readonly rotation?: number;
};

const built = (id: string): BuiltRelease => ({ id, file: `/cache/${id}.tar`, sizeBytes: 1 });

export const desireInput = ({
  model = modelWith(),
  releases = { "shop-api": built("aaaa"), "shop-page": built("pppp") },
  recorded = [],
  rotation = 0,
}: Wanted = {}): DesireInput => ({
  model,
  versions: { of: (kind, name) => shortHash(`${kind}/${name}/${rotation}`, 8) },
  endpoints: [database, { ...database, app: "other", properties: { url: "of another app" } }],
  releases,
  recorded: new Map(recorded.map((record) => [record.id, record])),
  address: () => "10.91.0.11",
  migrations: {},
  programs: {},
  databases: [],
});

export const recordOf = (resource: Resource): Recorded => ({ ...resource, output: { ready: "/readyz" }, status: "active" });
