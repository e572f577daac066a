/** Workloads as resources: releases on their machines, traffic moved by the gateway, old ones retired. Pure. */
import type {
  BuiltRelease,
  Contribution,
  DesireInput,
  Domain,
  Endpoint,
  Flow,
  GenerationPart,
  PublishInput,
} from "../../provisioner/model/contribution.ts";
import { CroftError } from "../../provisioner/errors.ts";
import { resourceId, shortHash, workloadName } from "../../provisioner/model/names.ts";
import { previousTemplate } from "../../provisioner/model/rotation.ts";
import type { App, Model, NodeWorkload, StaticWorkload } from "../../provisioner/model/types.ts";
import type { Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import { secretId, secretResource } from "../../provisioner/secrets/resource.ts";
import { bind } from "./bindings.ts";
import type { Bound } from "./bindings.ts";
import { choosePort } from "./ports.ts";
import { releaseFolder, renderUnit, unitTemplate } from "./units.ts";

export const releaseId = (name: string): ResourceId => resourceId("release", name);
export const retireId = (name: string): ResourceId => resourceId("retire", name);
/** `{{secret app/portfolio/api-key}}`. */
const apiKeySecret = (app: string): string => `app/${app}/api-key`;
export const staticId = (name: string): ResourceId => resourceId("static", name);

/** What the release driver needs beside the spec. Templates hold no secret yet. */
export type ReleasePayload = {
  readonly name: string;
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ready: string;
  readonly readyTimeoutSeconds: number;
  readonly stopTimeoutSeconds: number;
};
export type RetirePayload = { readonly stopTimeoutSeconds: number };
export type StaticPayload = {
  readonly name: string;
  readonly file: string;
  /** The text of `config.json`, where the workload has one. */
  readonly config?: string;
};

const READY_TIMEOUT_SECONDS = 60;

const hostOf = (model: Model, machine: string): string => model.machines.find(({ name }) => name === machine)?.host ?? "local";
const gatewayMachine = (model: Model): string | undefined => model.services["gateway"]?.machine;

const nodeWorkloads = (app: App): readonly NodeWorkload[] =>
  app.workloads.filter((workload): workload is NodeWorkload => workload.kind === "node");
const staticWorkloads = (app: App): readonly StaticWorkload[] =>
  app.workloads.filter((workload): workload is StaticWorkload => workload.kind === "static");

type Placed = {
  readonly name: string;
  readonly workload: NodeWorkload;
  readonly built: BuiltRelease;
  readonly bound: ReadonlyMap<string, Bound>;
  readonly instance: string;
  readonly port: number;
};

/** The instance's name: changes with the release, the environment, the secrets in it, the ports and the unit. */
const place = (input: DesireInput, app: App, workload: NodeWorkload): Placed | undefined => {
  const name = workloadName(app.name, workload.name);
  const built = input.releases[name];
  if (built === undefined) return undefined;
  const bound = new Map(Object.entries(workload.environment).map(([key, value]) => [key, bind(value, app.name, input.endpoints)]));
  const templates = [...bound].map(([key, { template }]) => [key, template]);
  const secrets = [...bound.values()].flatMap((binding) => binding.secrets).map((secret) => [secret, input.versions.of("secret", secret)]);
  const settings = [renderUnit(app.name, workload), workload.health.ready, workload.port, workload.metricsPort ?? 0];
  const instance = shortHash(JSON.stringify([built.id, templates, secrets, ...settings]), 12);
  return { name, workload, built, bound, instance, port: choosePort(workload.port, instance, input.recorded.get(releaseId(name))) };
};

const environmentOf = ({ workload, bound, port, built }: Placed): Readonly<Record<string, string>> => ({
  NODE_ENV: "production",
  ...Object.fromEntries([...bound].map(([key, { template }]) => [key, template])),
  PORT: String(port),
  ...(workload.metricsPort === undefined ? {} : { METRICS_PORT: String(workload.metricsPort + (port - workload.port)) }),
  APP_VERSION: built.id,
});

const releaseResource = (input: DesireInput, placed: Placed): Resource => {
  const { name, workload, built, bound, instance, port } = placed;
  const needs = new Set([...bound.values()].flatMap((binding) => binding.needs));
  return {
    id: releaseId(name),
    kind: "release",
    host: hostOf(input.model, workload.machine),
    spec: { machine: workload.machine, release: built.id, instance, port, healthy: true },
    payload: {
      name,
      file: built.file,
      environment: environmentOf(placed),
      ready: workload.health.ready,
      readyTimeoutSeconds: READY_TIMEOUT_SECONDS,
      stopTimeoutSeconds: workload.stopTimeoutSeconds,
    } satisfies ReleasePayload,
    needs: [resourceId("generation", workload.machine), ...needs],
    lostWith: [resourceId("machine", workload.machine)],
  };
};

const retireResource = (input: DesireInput, placed: Placed): Resource => {
  const { name, workload, instance } = placed;
  const edge = gatewayMachine(input.model);
  const traffic = edge === undefined ? [] : [resourceId("slot", edge, `traffic-${name}`)];
  return {
    id: retireId(name),
    kind: "retire",
    host: hostOf(input.model, workload.machine),
    spec: { machine: workload.machine, running: [instance] },
    payload: { stopTimeoutSeconds: workload.stopTimeoutSeconds } satisfies RetirePayload,
    needs: [releaseId(name), ...traffic],
    lostWith: [resourceId("machine", workload.machine)],
  };
};

/** Told to every visitor: a secret cannot come in here, whatever the checks of the file knew. */
const publicConfig = (input: DesireInput, app: App, config: Readonly<Record<string, string>>): Pick<Bound, "template" | "needs"> => {
  const bound = Object.entries(config)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, bind(value, app.name, input.endpoints)] as const);
  const secret = bound.find(([, { template }]) => template.includes("{{"));
  if (secret !== undefined)
    throw new CroftError(
      "CONFIG_INVALID",
      `app "${app.name}": \`config\` is served to everybody, and its key ${secret[0]} binds to a secret`,
    );
  return {
    template: `${JSON.stringify(Object.fromEntries(bound.map(([key, { template }]) => [key, template])), null, 2)}\n`,
    needs: bound.flatMap(([, { needs }]) => needs),
  };
};

const staticResource = (input: DesireInput, app: App, workload: StaticWorkload, machine: string): readonly Resource[] => {
  const name = workloadName(app.name, workload.name);
  const built = input.releases[name];
  if (built === undefined) return [];
  const config = workload.config === undefined ? undefined : publicConfig(input, app, workload.config);
  return [
    {
      id: staticId(name),
      kind: "static",
      host: hostOf(input.model, machine),
      spec: { machine, release: config === undefined ? built.id : shortHash(JSON.stringify([built.id, config.template]), 16) },
      payload: { name, file: built.file, ...(config === undefined ? {} : { config: config.template }) } satisfies StaticPayload,
      needs: [...new Set([resourceId("machine", machine), ...(config?.needs ?? [])])],
      lostWith: [resourceId("machine", machine)],
    },
  ];
};

const part = (app: App, workload: NodeWorkload): GenerationPart => {
  const unit = unitTemplate(app.name, workload.name);
  return {
    machine: workload.machine,
    name: workloadName(app.name, workload.name),
    directories: [],
    files: [{ path: `/etc/systemd/system/${unit}`, mode: "0644", owner: "root:root", content: renderUnit(app.name, workload) }],
    units: [{ name: unit, start: false, onChange: "restart", watches: [] }],
    slots: [],
    probes: [],
    needs: [],
  };
};

const flowsOf = ({ name, workload, bound }: Placed): readonly Flow[] =>
  [...bound.values()].flatMap((binding) =>
    binding.endpoints.map((endpoint) => ({
      from: workload.machine,
      to: endpoint.machine,
      port: endpoint.port,
      reason: `${name} to ${endpoint.name}`,
    })),
  );

const staticEndpoint = (model: Model, app: App, workload: StaticWorkload): readonly Endpoint[] => {
  const machine = gatewayMachine(model);
  const name = workloadName(app.name, workload.name);
  if (machine === undefined) return [];
  return [
    {
      app: app.name,
      name: `static.${name}`,
      machine,
      port: 443,
      protocol: "https",
      properties: { root: `${releaseFolder(name)}/current` },
      secrets: [],
      needs: [staticId(name)],
    },
  ];
};

/** The key that the gateway adds and the app's workloads demand. */
const apiKeyEndpoint = ({ model, versions }: PublishInput, app: App): readonly Endpoint[] => {
  const machine = gatewayMachine(model);
  if (app.apiKey === undefined || machine === undefined) return [];
  const secret = apiKeySecret(app.name);
  const properties = {
    value: `{{secret ${secret}}}`,
    previous: previousTemplate(versions, secret),
    used: `{{secret ${secret} used}}`,
    header: app.apiKey.header,
  };
  return [
    { app: app.name, name: "apiKey", machine, port: 443, protocol: "https", properties, secrets: [secret], needs: [secretId(secret)] },
  ];
};

const apiKeyResource = (input: DesireInput, app: App): readonly Resource[] =>
  app.apiKey === undefined
    ? []
    : [
        secretResource({
          name: apiKeySecret(app.name),
          form: "password",
          versions: input.versions,
          host: input.model.hosts[0]?.name ?? "local",
          rotates: { kind: "api-key", app: app.name, part: "api-key" },
        }),
      ];

const desireApp = (input: DesireInput, app: App): Contribution => {
  const placed = nodeWorkloads(app).flatMap((workload) => place(input, app, workload) ?? []);
  const edge = gatewayMachine(input.model);
  const statics = edge === undefined ? [] : staticWorkloads(app).flatMap((workload) => staticResource(input, app, workload, edge));
  return {
    parts: nodeWorkloads(app).map((workload) => part(app, workload)),
    flows: placed.flatMap(flowsOf),
    resources: [
      ...apiKeyResource(input, app),
      ...placed.flatMap((one) => [releaseResource(input, one), retireResource(input, one)]),
      ...statics,
    ],
  };
};

/** Where each node workload's current release answers: known once its port is chosen. */
export const workloadEndpoints = (input: DesireInput): readonly Endpoint[] =>
  input.model.apps.flatMap((app) =>
    nodeWorkloads(app).flatMap((workload): readonly Endpoint[] => {
      const placed = place(input, app, workload);
      if (placed === undefined) return [];
      return [
        {
          app: app.name,
          name: `workload.${placed.name}`,
          machine: workload.machine,
          port: placed.port,
          protocol: "http",
          properties: { address: input.address(workload.machine), port: String(placed.port) },
          secrets: [],
          needs: [releaseId(placed.name)],
        },
      ];
    }),
  );

export const appDomain: Domain = {
  name: "app",
  roles: (model) => model.apps.flatMap(nodeWorkloads).map((workload) => ({ machine: workload.machine, role: "node" })),
  databases: (model) => model.apps.flatMap((app) => (app.database === undefined ? [] : [{ owner: app.name, ...app.database }])),
  publish: (input) => [
    ...input.model.apps.flatMap((app) => staticWorkloads(app).flatMap((workload) => staticEndpoint(input.model, app, workload))),
    ...input.model.apps.flatMap((app) => apiKeyEndpoint(input, app)),
  ],
  desire: (input) => {
    const all = input.model.apps.map((app) => desireApp(input, app));
    return {
      parts: all.flatMap((one) => one.parts),
      flows: all.flatMap((one) => one.flows),
      resources: all.flatMap((one) => one.resources),
    };
  },
};
