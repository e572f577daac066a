/** A small site with two apps that have databases, and what is desired for it. */
import type { DesireInput, Migration } from "../../../provisioner/model/contribution.ts";
import { shortHash } from "../../../provisioner/model/names.ts";
import { countedVersions } from "../../../provisioner/model/versions.fixture.ts";
import type { Rotating } from "../../../provisioner/model/rotation.ts";
import type { App, Model } from "../../../provisioner/model/types.ts";
import type { Resource } from "../../../provisioner/plan/resource.ts";
import { postgresDomain } from "../resources.ts";

const app = (name: string): App => ({ name, database: { name, migrations: `${name}/migrations` }, workloads: [], routes: [] });

export const model: Model = {
  site: "shop",
  domain: "shop.test",
  environment: "default",
  mode: "development",
  network: "10.91.0.0/16",
  hosts: [{ name: "local" }],
  machines: [
    {
      name: "data",
      host: "local",
      cpus: 1,
      memoryBytes: 1024 ** 3,
      rootDiskBytes: 2 * 1024 ** 3,
      disks: [{ name: "db", sizeBytes: 2 * 1024 ** 3 }],
    },
  ],
  services: { postgres: { machine: "data", disk: "db" } },
  apps: [app("shop"), app("other")],
  folder: "/nowhere",
};

export const migration = (name: string, sql: string): Migration => ({ name, sql, sha256: shortHash(sql, 64) });

export type Rotations = Readonly<Record<string, number>>;

export const desireInput = (migrations: readonly Migration[], rotations: Rotations = {}, rotating: Rotating = {}): DesireInput => ({
  model,
  versions: countedVersions(rotations, rotating),
  endpoints: [],
  releases: {},
  recorded: new Map(),
  address: () => "10.91.0.12",
  migrations: { shop: migrations },
  programs: {},
  databases: ["shop", "other"].map((name) => ({ owner: name, name, migrations: `${name}/migrations` })),
});

/** Resources inside the server, in the order in which they are applied. */
export const insideServer = (migrations: readonly Migration[], rotations: Rotations = {}, rotating: Rotating = {}): readonly Resource[] => {
  const kinds = ["postgres-role", "postgres-database", "postgres-grants", "migrations"];
  const { resources } = postgresDomain.desire(desireInput(migrations, rotations, rotating));
  return resources.filter(({ kind }) => kinds.includes(kind)).toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
};
