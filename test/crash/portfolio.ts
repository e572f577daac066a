/** The example portfolio's real graph, desired anew from what state remembers, as every run of croft does it. */
import { desireSite } from "../../bin/site.ts";
import type { DesiredSite, SiteInput } from "../../bin/site.ts";
import { gatewayDomain } from "../../nginx/resources.ts";
import type { Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import type { State } from "../../provisioner/state/store.ts";
import { appDomain, workloadEndpoints } from "../../stacks/app/resources.ts";
import { objectsDomain } from "../../stacks/objects/resources.ts";
import { identityDomain } from "../../stacks/identity/resources.ts";
import { postgresDomain } from "../../stacks/postgres/resources.ts";

/** What of a site can be written to a file: the rest follows from it. */
export type Portfolio = Pick<SiteInput, "model" | "releases" | "migrations"> & {
  /** `kind/name` to how often it was rotated. */
  readonly rotations?: Readonly<Record<string, number>>;
};

/** The same for every run: inventories of two runs shall be equal. */
export const SITE_ID = "00112233445566778899aabbccddeeff";
export const DOMAINS = [postgresDomain, objectsDomain, identityDomain, appDomain, gatewayDomain];

type Remembered = Pick<State, "addresses" | "hosts" | "resources"> & Partial<Pick<State, "rotations" | "rotating">>;

export const desirePortfolio = ({ rotations = {}, ...portfolio }: Portfolio, state: Remembered): DesiredSite =>
  desireSite({
    ...portfolio,
    programs: {},
    roots: { state: "/var/lib/croft", cache: "/var/cache/croft", run: "/run/croft" },
    platform: {
      architecture: "amd64",
      hypervisor: "stand-in",
      program: ["croft-vmm"],
      standIn: true,
      bootable: false,
      bootTimeoutMs: 120_000,
      digestOf: (artifact) => `sha256:${artifact}`,
      hasArtifact: (name) => name === "minio",
    },
    remembered: {
      siteId: SITE_ID,
      addresses: state.addresses,
      hosts: state.hosts,
      rotations: { ...rotations, ...state.rotations },
      ...(state.rotating === undefined ? {} : { rotating: state.rotating }),
      imageUpdate: 0,
      recorded: new Map(state.resources.map((record) => [record.id, record])),
    },
    domains: DOMAINS,
    lateEndpoints: workloadEndpoints,
  });

const ON_HOST: ReadonlySet<string> = new Set(["network", "image", "disk", "machine", "secret", "authority", "certificate"]);

/** Everything inside of a machine is hidden by the nearest machine it needs. */
export const hiderAmong = (resources: readonly Resource[]): ((id: ResourceId) => ResourceId | undefined) => {
  const byId = new Map(resources.map((resource) => [resource.id, resource]));
  const nearest = (ids: readonly ResourceId[]): ResourceId | undefined => {
    const machine = ids.find((id) => byId.get(id)?.kind === "machine");
    const further = ids.flatMap((id) => byId.get(id)?.needs ?? []);
    return machine !== undefined || further.length === 0 ? machine : nearest(further);
  };
  return (id) => {
    const resource = byId.get(id);
    return resource === undefined || ON_HOST.has(resource.kind) ? undefined : nearest([...(resource.lostWith ?? []), ...resource.needs]);
  };
};
