/** What scripts ask of a site: addresses, endpoints, names. Never a secret: of endpoints only the place is told. Pure. */
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { machineHostname } from "../provisioner/model/names.ts";
import type { Model } from "../provisioner/model/types.ts";
import type { Recorded } from "../provisioner/plan/resource.ts";
import type { DesiredSite } from "./site.ts";

export type EndpointOutput = {
  readonly name: string;
  readonly app: string | null;
  readonly machine: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
};

export type SiteOutput = {
  readonly site: string;
  readonly environment: string;
  readonly domain: string;
  readonly urls: readonly string[];
  readonly authority: string;
  readonly machines: Readonly<Record<string, { readonly address: string; readonly host: string; readonly name: string }>>;
  readonly endpoints: readonly EndpointOutput[];
  /** Release that the last run left in place, by `APP-WORKLOAD`. */
  readonly releases: Readonly<Record<string, string>>;
};

type Input = {
  readonly model: Model;
  readonly desired: Pick<DesiredSite, "addresses" | "endpoints">;
  readonly recorded: readonly Recorded[];
  readonly authority: string;
};

const WORKLOAD = "workload.";

/** A workload listens where its last release was put, not where the next one would go. */
const portOf = ({ name, port }: Endpoint, recorded: readonly Recorded[]): number => {
  const release = name.startsWith(WORKLOAD) ? recorded.find(({ id }) => id === `release/${name.slice(WORKLOAD.length)}`) : undefined;
  return Number(release?.spec["port"] ?? port);
};

export const makeOutput = ({ model, desired, recorded, authority }: Input): SiteOutput => {
  const addressOf = (machine: string): string => desired.addresses.get(machine) ?? "";
  const hosts = [...new Set(model.apps.flatMap((app) => app.routes.map(({ host }) => host)))];
  const releases = recorded.filter(({ kind }) => kind === "release" || kind === "static");
  return {
    site: model.site,
    environment: model.environment,
    domain: model.domain,
    urls: model.services["gateway"] === undefined ? [] : hosts.map((host) => `https://${host}/`),
    authority,
    machines: Object.fromEntries(
      model.machines.map(({ name, host }) => [name, { address: addressOf(name), host, name: machineHostname(name) }]),
    ),
    endpoints: desired.endpoints.map((endpoint) => ({
      name: endpoint.name,
      app: endpoint.app ?? null,
      machine: endpoint.machine,
      host: machineHostname(endpoint.machine),
      address: addressOf(endpoint.machine),
      port: portOf(endpoint, recorded),
      protocol: endpoint.protocol,
    })),
    releases: Object.fromEntries(releases.map(({ id, kind, spec }) => [id.slice(kind.length + 1), String(spec["release"])])),
  };
};

const rows = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];

export const outputText = (output: SiteOutput): string =>
  [
    `${output.site} (${output.environment}), ${output.domain}`,
    ...rows("URLs", output.urls),
    ...rows("CA", [output.authority]),
    ...rows(
      "Machines",
      Object.entries(output.machines).map(([machine, { address }]) => `${machine.padEnd(20)} ${address}`),
    ),
    ...rows(
      "Endpoints",
      output.endpoints.map(
        ({ name, app, host, address, port, protocol }) =>
          `${(app === null ? name : `${app}/${name}`).padEnd(36)} ${protocol}  ${host}:${port}  (${address}:${port})`,
      ),
    ),
    ...rows(
      "Releases",
      Object.entries(output.releases).map(([name, release]) => `${name.padEnd(20)} ${release}`),
    ),
  ].join("\n");
