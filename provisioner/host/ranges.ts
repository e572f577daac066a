/** Whether a site's network meets what a host already has: other sites and routes. Pure. */
import type { Finding } from "../plan/lint.ts";
import { freeNetwork, overlaps } from "../model/addresses.ts";

/** One site of croft that is on a host: from its state file. */
export type KnownSite = {
  readonly site: string;
  readonly environment: string;
  readonly siteId: string;
  readonly folder: string;
  /** Its /24 on the host; undefined: it has no network now. */
  readonly subnet: string | undefined;
  readonly bridge: string | undefined;
  /** Ports of the host it publishes. */
  readonly published: readonly number[];
};

export type Route = { readonly device: string; readonly destination: string };

export type RangeInput = {
  readonly site: string;
  readonly environment: string;
  readonly network: string;
  /** Bridges of the site at hand. */
  readonly own: readonly string[];
  readonly routes: readonly Route[];
  readonly sites: readonly KnownSite[];
};

/** Wider routes say where everything goes, not what is there. */
const WIDEST = 8;
const BRIDGE = /^crb[0-9a-f]{10}$/;

const isOther = ({ site, environment }: RangeInput, known: KnownSite): boolean => known.site !== site || known.environment !== environment;

const siteName = ({ site, environment }: Pick<KnownSite, "site" | "environment">): string => `${site} (${environment})`;

const routeName = ({ device, destination }: Route): string =>
  BRIDGE.test(device)
    ? `${destination} of the bridge ${device}, made by a croft that keeps its state elsewhere`
    : `the route ${destination} by ${device} of this host`;

/** Places that the network meets, each named. */
const meetings = (input: RangeInput): readonly string[] => {
  const others = input.sites.filter((known) => isOther(input, known));
  const known = new Set([...input.own, ...others.flatMap(({ bridge }) => bridge ?? [])]);
  const bySite = others
    .filter(({ subnet }) => subnet !== undefined && overlaps(input.network, subnet))
    .map((other) => `${other.subnet} of the site ${siteName(other)} in ${other.folder}`);
  const byRoute = input.routes
    .filter(({ device, destination }) => !known.has(device) && Number(destination.split("/")[1]) >= WIDEST)
    .filter(({ destination }) => overlaps(input.network, destination));
  return [...bySite, ...new Set(byRoute.map(routeName))];
};

/** A site that is there already is only warned: whatever came later should not keep it from being repaired. */
export const rangeFindings = (input: RangeInput, isThere: boolean): readonly Finding[] => {
  const taken = [
    ...input.sites.filter((known) => isOther(input, known)).flatMap(({ subnet }) => subnet ?? []),
    ...input.routes.map(({ destination }) => destination).filter((destination) => Number(destination.split("/")[1]) >= WIDEST),
  ];
  return meetings(input).map((meeting) => ({
    level: isThere ? "warning" : "error",
    message: `the network ${input.network} of ${siteName(input)} overlaps ${meeting}`,
    hint: `give this site a network of its own in croft.yaml: \`network: ${freeNetwork(taken)}\``,
  }));
};
