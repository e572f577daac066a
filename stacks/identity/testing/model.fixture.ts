/** A small site with one app whose people sign in, and what is desired for it. */
import type { DesireInput, Endpoint } from "../../../provisioner/model/contribution.ts";
import { shortHash } from "../../../provisioner/model/names.ts";
import type { App, AppOidc, Machine, Model } from "../../../provisioner/model/types.ts";
import type { Resource } from "../../../provisioner/plan/resource.ts";
import { identityDomain } from "../resources.ts";

const machine = (name: string): Machine => ({
  name,
  host: "local",
  cpus: 1,
  memoryBytes: 1024 ** 3,
  rootDiskBytes: 4 * 1024 ** 3,
  disks: name === "data" ? [{ name: "db", sizeBytes: 2 * 1024 ** 3 }] : [],
});

export const OIDC: AppOidc = {
  realm: "shop",
  audience: "shop-api",
  rolesClaim: ["realm_access", "roles"],
  roles: ["admin", "viewer"],
  clients: [{ id: "cms", redirects: ["https://cms.shop.test/*"] }],
  testUsers: [{ name: "editor", roles: ["admin"] }],
};

export const app = (oidc: AppOidc = OIDC): App => ({
  name: "shop",
  workloads: [],
  routes: [
    {
      host: "desk.shop.test",
      path: "/",
      exact: false,
      target: { kind: "deny", status: 404 },
      methods: [],
      query: {},
      rules: { auth: { mode: "session", role: "admin" } },
    },
  ],
  oidc,
});

export const model: Model = {
  site: "shop",
  domain: "shop.test",
  environment: "default",
  mode: "development",
  network: "10.91.0.0/16",
  hosts: [{ name: "local" }],
  machines: ["edge", "data", "id"].map(machine),
  services: {
    gateway: { machine: "edge" },
    postgres: { machine: "data", disk: "db" },
    identity: { machine: "id", operators: ["203.0.113.0/24"] },
  },
  apps: [app()],
  folder: "/nowhere",
};

const DATABASE: Endpoint = {
  app: "identity",
  name: "database.owner",
  machine: "data",
  port: 5432,
  protocol: "postgresql",
  properties: {
    host: "postgres.croft.internal",
    port: "5432",
    name: "keycloak",
    user: "keycloak_owner",
    password: "{{secret postgres/identity/owner}}",
  },
  secrets: ["postgres/identity/owner"],
  needs: ["postgres-grants/keycloak"],
};

export type Rotations = Readonly<Record<string, number>>;
export const versionOf = (name: string, rotations: Rotations = {}): string => shortHash(`secret/${name}/${rotations[name] ?? 0}`, 8);

const ADDRESSES: Readonly<Record<string, string>> = { edge: "10.91.0.11", data: "10.91.0.12", id: "10.91.0.13" };

export const desireInput = (site: Model = model, rotations: Rotations = {}, address?: string): DesireInput => ({
  model: site,
  versions: { of: (_, name) => versionOf(name, rotations) },
  endpoints: [DATABASE],
  releases: {},
  recorded: new Map(),
  address: (name) => address ?? ADDRESSES[name] ?? "",
  migrations: {},
  programs: {},
  databases: [{ owner: "identity", name: "keycloak" }],
});

const ORDER = ["identity-admin", "identity-realm", "identity-role", "identity-client", "identity-provider", "identity-user"];

/** Resources inside Keycloak, in the order in which they are applied. */
export const insideKeycloak = (site: Model = model, rotations: Rotations = {}): readonly Resource[] => {
  const { resources } = identityDomain.desire(desireInput(site, rotations, "127.0.0.1"));
  return resources.filter(({ kind }) => ORDER.includes(kind)).toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
};
