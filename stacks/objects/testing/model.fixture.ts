/** A small site with an app that has two buckets, and what is desired for it. */
import type { DesireInput, Facts } from "../../../provisioner/model/contribution.ts";
import type { Rotating } from "../../../provisioner/model/rotation.ts";
import type { App, Model, NodeWorkload } from "../../../provisioner/model/types.ts";
import { countedVersions } from "../../../provisioner/model/versions.fixture.ts";
import type { Resource } from "../../../provisioner/plan/resource.ts";
import { objectsDomain } from "../resources.ts";
import { settleObjects } from "../section.ts";

const MIB = 1024 ** 2;
const api = { kind: "node", name: "api", machine: "app" } as NodeWorkload;

export const SHOP: App = {
  name: "shop",
  workloads: [api],
  routes: [],
  buckets: [
    { name: "media", cors: ["https://www.shop.test"], maxObjectBytes: MIB, upload: false },
    { name: "inbox", cors: [], maxObjectBytes: 2 * MIB, upload: true },
  ],
};

const machine = (name: string, disk?: string): Model["machines"][number] => ({
  name,
  host: "local",
  cpus: 1,
  memoryBytes: 1024 * MIB,
  rootDiskBytes: 2048 * MIB,
  disks: disk === undefined ? [] : [{ name: disk, sizeBytes: 2048 * MIB }],
});

export const MODEL: Model = {
  site: "shop",
  domain: "shop.test",
  environment: "default",
  mode: "development",
  network: "10.91.0.0/16",
  hosts: [{ name: "local" }],
  machines: [machine("edge"), machine("app"), machine("data", "objects")],
  services: { gateway: { machine: "edge" }, objects: { machine: "data", disk: "objects" } },
  apps: [SHOP],
  folder: "/nowhere",
};

export const facts = (artifacts: readonly string[], recorded: Facts["recorded"] = new Map()): Facts => ({
  hasArtifact: (name) => artifacts.includes(name),
  recorded,
});

const ADDRESSES: Readonly<Record<string, string>> = { edge: "10.91.0.11", app: "10.91.0.12", data: "10.91.0.13" };

export type Extras = {
  readonly model?: Model;
  readonly rotations?: Readonly<Record<string, number>>;
  readonly rotating?: Rotating;
  readonly artifacts?: readonly string[];
};

export const desireInput = ({ model = MODEL, rotations = {}, rotating = {}, artifacts = ["minio"] }: Extras = {}): DesireInput => ({
  model: settleObjects(model, facts(artifacts)),
  versions: countedVersions(rotations, rotating),
  endpoints: [],
  releases: {},
  recorded: new Map(),
  address: (name) => ADDRESSES[name] ?? "10.91.0.99",
  migrations: {},
  programs: {},
  databases: [],
});

/** Resources inside the store, in the order in which they are applied, for a store that answers at a port of this host. */
export const insideStore = (port: number, extras: Extras = {}): readonly Resource[] => {
  const kinds = ["object-store", "bucket", "bucket-key"];
  return objectsDomain
    .desire(desireInput(extras))
    .resources.filter(({ kind }) => kinds.includes(kind))
    .toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
    .map((resource) => ({ ...resource, spec: { ...resource.spec, address: "127.0.0.1", port } }));
};
