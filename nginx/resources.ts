/** The gateway as a domain: from the model to its generation part, flows, certificate and slots. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import { makeSlot, slotId } from "../provisioner/machine/slot-resource.ts";
import { emptyContribution } from "../provisioner/model/contribution.ts";
import type {
  Contribution,
  DesireInput,
  Domain,
  FileEntry,
  Flow,
  GenerationPart,
  Probe,
  SlotEntry,
} from "../provisioner/model/contribution.ts";
import { onMachine, workloadName } from "../provisioner/model/names.ts";
import type { App, Model, NodeWorkload } from "../provisioner/model/types.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import { certificateId, certificateResource, certificateVersion } from "../provisioner/secrets/certificate-resource.ts";
import { GATEWAY_FOLDER, PLACES, SCRIPT_FILE, renderGateway, renderScript, routedWorkloads } from "./render.ts";
import type { GatewayConfig, GatewayFiles } from "./render.ts";
import { toHosts } from "./routes.ts";
import type { HostRoutes } from "./routes.ts";
import { safeHost } from "./safe.ts";
import { UNIT } from "./templates/unit.ts";
import { GATEWAY_UNIT, onGatewayChange, trafficEntry, trafficSlot, trafficSlotId } from "./traffic.ts";

const SERVICE = "gateway";
const CERTIFICATE = "gateway";
const CACHE = "/var/cache/croft-gateway";

const CERTIFICATE_SLOT: SlotEntry = { name: "gateway-certificate", mode: "0600", owner: "root:root", onChange: onGatewayChange };

const machineOf = (model: Model): string | undefined => model.services[SERVICE]?.machine;

const hostOf = (model: Model, machine: string): string => {
  const found = model.machines.find(({ name }) => name === machine);
  if (found === undefined) throw new CroftError("BUG", `the gateway's machine ${machine} is not in the model`);
  return found.host;
};

const homeHost = (model: Model): string => {
  const [home] = model.hosts;
  if (home === undefined) throw new CroftError("BUG", "a site has no host");
  return home.name;
};

type NodeTarget = { readonly app: App; readonly workload: NodeWorkload };

const nodeTargets = (hosts: readonly HostRoutes[]): readonly NodeTarget[] =>
  routedWorkloads(hosts).flatMap(({ app, workload }) => (workload.kind === "node" ? [{ app, workload }] : []));

const rootsOf = (input: DesireInput, hosts: readonly HostRoutes[]): ReadonlyMap<string, string> =>
  new Map(
    routedWorkloads(hosts)
      .filter(({ workload }) => workload.kind === "static")
      .map(({ name }) => {
        const published = input.endpoints.find((endpoint) => endpoint.name === `static.${name}`);
        return [name, published?.properties["root"] ?? `${onMachine.releases}/${name}/current`];
      }),
  );

/** Every name the gateway answers to. */
const certificateNames = (model: Model, hosts: readonly HostRoutes[]): readonly string[] => {
  const names = [model.domain, ...hosts.map(({ host }) => host)];
  const outside = names.find((name) => name !== model.domain && !name.endsWith(`.${model.domain}`));
  if (outside === undefined) return [...new Set(names.map(safeHost))].toSorted();
  throw new CroftError("CONFIG_INVALID", `the route host ${outside} is not below the site's domain ${model.domain}`, {
    hint: "the site's own CA signs only names below its domain",
  });
};

const certificateInput = (input: DesireInput, hosts: readonly HostRoutes[]) => ({
  name: CERTIFICATE,
  names: certificateNames(input.model, hosts),
  versions: input.versions,
  host: homeHost(input.model),
});

const certificateSlot = (input: DesireInput, machine: string, hosts: readonly HostRoutes[]): Resource =>
  makeSlot({
    machine,
    host: hostOf(input.model, machine),
    slot: CERTIFICATE_SLOT,
    files: { "chain.pem": `{{certificate ${CERTIFICATE} chain}}`, "key.pem": `{{certificate ${CERTIFICATE} key}}` },
    versions: [certificateVersion(certificateInput(input, hosts))],
    needs: [certificateId(CERTIFICATE)],
  });

/** Before its first release a workload's first port is named, and answers 502. */
const trafficOf = (input: DesireInput, machine: string, { app, workload }: NodeTarget): Resource => {
  const published = input.endpoints.find((endpoint) => endpoint.name === `workload.${workloadName(app.name, workload.name)}`);
  return trafficSlot({
    app: app.name,
    workload: workload.name,
    address: published?.properties["address"] ?? input.address(workload.machine),
    port: published === undefined ? workload.port : Number(published.properties["port"] ?? published.port),
    machine,
    host: hostOf(input.model, machine),
    needs: published?.needs ?? [],
  });
};

const flowsOf = (machine: string, targets: readonly NodeTarget[]): readonly Flow[] => [
  { from: "public", to: machine, port: 80, reason: "redirect to https" },
  { from: "public", to: machine, port: 443, reason: "https" },
  ...targets
    .filter(({ workload }) => workload.machine !== machine)
    .flatMap(({ app, workload }) =>
      [workload.port, workload.port + 1].map((port) => ({
        from: machine,
        to: workload.machine,
        port,
        reason: `gateway to ${workloadName(app.name, workload.name)}`,
      })),
    ),
];

const file = (path: string, content: string, mode = "0644"): FileEntry => ({ path, mode, owner: "root:root", content });

const directory = (path: string, mode: string, owner: string) => ({ path, mode, owner });

const probes = (domain: string, hash: string): readonly Probe[] => [
  {
    name: "gateway-https",
    command: `test "$(curl --silent --show-error --max-time 5 --cacert /etc/croft/authority.pem --resolve ${domain}:443:127.0.0.1 --output /dev/null --write-out '%{http_code}' https://${domain}/.well-known/croft)" = 204`,
    timeoutSeconds: 10,
    unit: GATEWAY_UNIT,
  },
  {
    name: "gateway-configuration",
    command: `test "$(curl --silent --show-error --fail --max-time 5 http://${PLACES.status}/croft/config)" = ${hash}`,
    timeoutSeconds: 10,
    unit: GATEWAY_UNIT,
  },
];

const partOf = (machine: string, config: GatewayConfig, rendered: GatewayFiles, targets: readonly NodeTarget[]): GenerationPart => ({
  machine,
  name: SERVICE,
  directories: [
    directory(GATEWAY_FOLDER, "0755", "root:root"),
    directory(CACHE, "0755", "root:root"),
    ...["body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => directory(`${CACHE}/${name}`, "0700", "www-data:www-data")),
  ],
  files: [
    ...Object.entries(rendered.files).map(([path, content]) => file(path, content)),
    file(SCRIPT_FILE, renderScript(config), "0755"),
    file(`/etc/systemd/system/${GATEWAY_UNIT}`, UNIT),
  ],
  units: [{ name: GATEWAY_UNIT, start: true, onChange: "reload", watches: Object.keys(rendered.files) }],
  slots: [CERTIFICATE_SLOT, ...targets.map(({ app, workload }) => trafficEntry(app.name, workload.name))],
  probes: probes(config.host, rendered.hash),
  needs: [slotId(machine, CERTIFICATE_SLOT.name), ...targets.map(({ app, workload }) => trafficSlotId(machine, app.name, workload.name))],
});

const desire = (input: DesireInput): Contribution => {
  const machine = machineOf(input.model);
  if (machine === undefined) return emptyContribution;
  const hosts = toHosts(input.model);
  const targets = nodeTargets(hosts);
  const config: GatewayConfig = { hosts, roots: rootsOf(input, hosts), host: safeHost(input.model.domain) };
  return {
    parts: [partOf(machine, config, renderGateway(config), targets)],
    flows: flowsOf(machine, targets),
    resources: [
      certificateResource(certificateInput(input, hosts)),
      certificateSlot(input, machine, hosts),
      ...targets.map((target) => trafficOf(input, machine, target)),
    ],
  };
};

export const gatewayDomain: Domain = {
  name: SERVICE,
  schema: {
    type: "object",
    description: "nginx in front of every app: HTTPS, routes, static files.",
    properties: {
      machine: {
        type: "string",
        description: "The machine it runs on; its ports 80 and 443 are published on its host.",
        examples: ["edge"],
      },
    },
    required: ["machine"],
    additionalProperties: false,
  },
  ports: [80, 443, 8090],
  roles: (model) => {
    const machine = machineOf(model);
    return machine === undefined ? [] : [{ machine, role: "gateway" }];
  },
  publish: (model) => {
    const machine = machineOf(model);
    if (machine === undefined) return [];
    const properties = { url: `https://${model.domain}`, host: model.domain };
    return [{ name: SERVICE, machine, port: 443, protocol: "https", properties, secrets: [], needs: [] }];
  },
  desire,
};
