/** The gateway as a domain: from the model to its generation part, flows, certificate and slots. Pure. */
import { CroftError } from "../provisioner/errors.ts";
import { makeSlot, slotId } from "../provisioner/machine/slot-resource.ts";
import { emptyContribution } from "../provisioner/model/contribution.ts";
import type {
  Contribution,
  DesireInput,
  Domain,
  Endpoint,
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
import { readerOf, shownBuckets } from "./buckets.ts";
import type { ShownBucket } from "./buckets.ts";
import { gatePart, gateResources } from "./gate-part.ts";
import { GATEWAY_FOLDER, PLACES, SCRIPT_FILE, renderGateway, keyedApps, renderScript, routedWorkloads } from "./render.ts";
import type { GatewayConfig, GatewayFiles } from "./render.ts";
import { toHosts } from "./routes.ts";
import type { HostRoutes } from "./routes.ts";
import { originsOf } from "./policy.ts";
import { gatePolicies } from "./rules.ts";
import { safeHeader, safeHost, safeName } from "./safe.ts";
import { servicesOf } from "./services.ts";
import { UNIT } from "./templates/unit.ts";
import { GATEWAY_UNIT, onGatewayChange, trafficEntry, trafficSlot } from "./traffic.ts";

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

const KEYS_SLOT: SlotEntry = { name: "gateway-keys", mode: "0600", owner: "root:root", onChange: onGatewayChange };

/** Keys change only when every workload of their app takes the new one: the slot waits for the releases. */
const keysSlot = (input: DesireInput, machine: string, apps: readonly App[]): Resource => {
  const keyed = apps.flatMap((app) => {
    const endpoint = input.endpoints.find((one) => one.name === "apiKey" && one.app === app.name);
    if (endpoint === undefined || app.apiKey === undefined) return [];
    const line = `proxy_set_header ${safeHeader(app.apiKey.header)} "${endpoint.properties["used"] ?? ""}";\n`;
    const releases = input.endpoints
      .filter((one) => one.app === app.name && one.name.startsWith("workload."))
      .flatMap(({ needs }) => needs);
    return [{ name: `${safeName(app.name)}.conf`, line, secrets: endpoint.secrets, needs: [...endpoint.needs, ...releases] }];
  });
  return makeSlot({
    machine,
    host: hostOf(input.model, machine),
    slot: KEYS_SLOT,
    files: Object.fromEntries(keyed.map(({ name, line }) => [name, line])),
    versions: keyed.flatMap(({ secrets }) => secrets.map((secret) => input.versions.of("secret", `${secret} used`))),
    needs: [...new Set(keyed.flatMap(({ needs }) => needs))],
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

/** From the gateway to the machines of published services. */
const serviceFlows = (machine: string, endpoints: readonly Endpoint[]): readonly Flow[] =>
  endpoints
    .filter(({ published, machine: other }) => published !== undefined && other !== machine)
    .map(({ name, machine: to, port }) => ({ from: machine, to, port, reason: `gateway to ${name}` }));

/** The gate reads where a bucket's key was made; nothing new where the store is published itself. */
const bucketFlows = (machine: string, endpoints: readonly Endpoint[], buckets: readonly ShownBucket[]): readonly Flow[] => {
  const open = new Set(serviceFlows(machine, endpoints).map(({ to, port }) => `${to}:${port}`));
  const needed = buckets.map((one) => readerOf(endpoints, one)).filter((endpoint) => endpoint.machine !== machine);
  return needed
    .filter(({ machine: to, port }) => !open.has(`${to}:${port}`))
    .map(({ name, machine: to, port }) => ({ from: machine, to, port, reason: `gateway to ${name}` }));
};

type PartInput = {
  readonly machine: string;
  readonly config: GatewayConfig;
  readonly rendered: GatewayFiles;
  readonly targets: readonly NodeTarget[];
};

const partOf = ({ machine, config, rendered, targets }: PartInput): GenerationPart => ({
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
  slots: [
    CERTIFICATE_SLOT,
    ...(keyedApps(config.hosts).length > 0 ? [KEYS_SLOT] : []),
    ...targets.map(({ app, workload }) => trafficEntry(app.name, workload.name)),
  ],
  probes: probes(config.host, rendered.hash),
  // Not the slots of traffic and keys: those wait for releases, which may themselves need what the gateway serves.
  needs: [slotId(machine, CERTIFICATE_SLOT.name)],
});

const behindOf = (model: Model): readonly string[] => {
  const behind = model.services[SERVICE]?.["behind"];
  return Array.isArray(behind) ? behind.map(String) : [];
};

const desire = (input: DesireInput): Contribution => {
  const machine = machineOf(input.model);
  if (machine === undefined) return emptyContribution;
  const hosts = toHosts(input.model, servicesOf(input.endpoints, input.address));
  const targets = nodeTargets(hosts);
  const config: GatewayConfig = {
    hosts,
    roots: rootsOf(input, hosts),
    origins: new Map(input.model.apps.map(({ name }) => [name, originsOf(input.endpoints, name)])),
    host: safeHost(input.model.domain),
    behind: behindOf(input.model),
  };
  const [policies, buckets] = [gatePolicies(hosts), shownBuckets(hosts)];
  const gate = { input, machine, host: hostOf(input.model, machine), home: homeHost(input.model), policies, buckets };
  const gated = policies.length + buckets.length > 0;
  const keyed = keyedApps(hosts);
  return {
    parts: [partOf({ machine, config, rendered: renderGateway(config), targets }), ...(gated ? [gatePart(gate)] : [])],
    flows: [...flowsOf(machine, targets), ...serviceFlows(machine, input.endpoints), ...bucketFlows(machine, input.endpoints, buckets)],
    resources: [
      certificateResource(certificateInput(input, hosts)),
      certificateSlot(input, machine, hosts),
      ...(keyed.length > 0 ? [keysSlot(input, machine, keyed)] : []),
      ...(gated ? gateResources(gate) : []),
      ...targets.map((target) => trafficOf(input, machine, target)),
    ],
  };
};

const asksGate = (model: Model): boolean =>
  model.apps.some((app) => app.routes.some(({ rules, target }) => rules?.auth !== undefined || target.kind === "bucket"));

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
      behind: {
        type: "array",
        uniqueItems: true,
        default: [],
        description: "Ranges of proxies in front of the gateway, which alone may say who a client is.",
        examples: [["203.0.113.0/24"]],
        items: { type: "string", format: "proxy-range", description: "One range.", examples: ["203.0.113.0/24"] },
      },
    },
    required: ["machine"],
    additionalProperties: false,
  },
  ports: [80, 443, 8090],
  leastMemoryBytes: 32 * 1024 ** 2,
  roles: (model) => {
    const machine = machineOf(model);
    if (machine === undefined) return [];
    return [{ machine, role: "gateway" }, ...(asksGate(model) ? [{ machine, role: "node" }] : [])];
  },
  publish: ({ model }) => {
    const machine = machineOf(model);
    if (machine === undefined) return [];
    const properties = { url: `https://${model.domain}`, host: model.domain };
    return [{ name: SERVICE, machine, port: 443, protocol: "https", properties, secrets: [], needs: [] }];
  },
  desire,
};
