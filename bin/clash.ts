/** Whether a site's network is free on this host: asked before every plan that wants one. */
import { rangeFindings } from "../provisioner/host/ranges.ts";
import { readRoutes, readSites } from "../provisioner/host/sites.ts";
import { overlaps } from "../provisioner/model/addresses.ts";
import type { Roots } from "../provisioner/model/names.ts";
import type { Model } from "../provisioner/model/types.ts";
import type { Finding } from "../provisioner/plan/lint.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import type { State } from "../provisioner/state/store.ts";

type Wanted = { readonly model: Model; readonly roots: Roots; readonly desired: readonly Resource[]; readonly state: State };

export const networkFindings = async ({ model, roots, desired, state }: Wanted): Promise<readonly Finding[]> => {
  const networks = desired.filter(({ kind }) => kind === "network");
  if (networks.length === 0) return [];
  const recorded = state.resources.filter(({ kind, status }) => kind === "network" && status === "active");
  const [routes, sites] = await Promise.all([readRoutes(), readSites(roots)]);
  const { site, environment, network } = model;
  return rangeFindings(
    { site, environment, network, own: [...networks, ...recorded].map(({ spec }) => String(spec["bridge"])), routes, sites },
    recorded.some(({ spec }) => overlaps(network, String(spec["blackhole"]))),
  );
};
