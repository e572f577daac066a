/** The Model as YAML with every default written out: what `croft config` prints. Reading it again gives the same Model. */
import { formatDuration, formatSize } from "../model/sizes.ts";
import type { App, Machine, Model, Route, Workload } from "../model/types.ts";
import { showBucket, showOidc, showRules, showSmoke } from "./render-access.ts";
import { KNOWN_VERSION } from "./schema.ts";
import type { Plain } from "./tree.ts";
import { renderYaml } from "./yaml.ts";

type Data = { readonly [key: string]: Plain };

const present = (data: Readonly<Record<string, Plain | undefined>>): Data =>
  Object.fromEntries(Object.entries(data).filter((entry): entry is [string, Plain] => entry[1] !== undefined));

const byName = <T extends { readonly name: string }>(items: readonly T[], show: (item: T) => Plain): Data =>
  Object.fromEntries(items.map((item) => [item.name, show(item)]));

const showMachine = (machine: Machine): Plain => ({
  host: machine.host,
  cpus: machine.cpus,
  memory: formatSize(machine.memoryBytes),
  rootDisk: formatSize(machine.rootDiskBytes),
  disks: byName(machine.disks, ({ sizeBytes }) => formatSize(sizeBytes)),
});

const showWorkload = (workload: Workload): Plain => {
  const { kind, source, build, output } = workload;
  if (kind === "static") return present({ kind, source, build, output, spa: workload.spa, config: workload.config });
  const { machine, start, port, metricsPort, environment, health, stopSignal } = workload;
  const memory = formatSize(workload.memoryBytes);
  const stopTimeout = formatDuration(workload.stopTimeoutSeconds);
  return present({
    kind,
    machine,
    source,
    build,
    output,
    start,
    port,
    metricsPort,
    memory,
    env: environment,
    health,
    stopSignal,
    stopTimeout,
  });
};

const showTarget = (target: Route["target"]): Data => {
  if (target.kind === "workload") return { to: target.workload };
  if (target.kind === "bucket") {
    const { bucket, prefix, index, spa, notFound } = target;
    return present({ bucket, prefix: prefix === "" ? undefined : prefix, index, spa: spa || undefined, notFound });
  }
  return target.kind === "deny" ? { deny: target.status } : { redirect: target.to };
};

const shortHost = (host: string, domain: string): string => (host === domain ? "@" : host.slice(0, -domain.length - 1));

const showRoute = (route: Route, domain: string): Plain =>
  present({
    host: shortHost(route.host, domain),
    path: route.path,
    exact: route.exact,
    ...showTarget(route.target),
    methods: route.methods,
    query: route.query,
    ...showRules(route.rules),
  });

const showApp = (app: App, domain: string): Plain =>
  present({
    database: app.database === undefined ? undefined : present({ name: app.database.name, migrations: app.database.migrations }),
    apiKey: app.apiKey === undefined ? undefined : { header: app.apiKey.header },
    oidc: app.oidc === undefined ? undefined : present(showOidc(app.oidc)),
    buckets: app.buckets === undefined ? undefined : byName(app.buckets, showBucket),
    smoke: app.smoke === undefined ? undefined : present(showSmoke(app.smoke, (host) => shortHost(host, domain))),
    workloads: byName(app.workloads, showWorkload),
    routes: app.routes.map((route) => showRoute(route, domain)),
  });

/** An environment has been laid over already: the text holds none. */
export const renderConfig = (model: Model): string =>
  renderYaml(
    present({
      version: KNOWN_VERSION,
      site: model.site,
      domain: model.domain,
      mode: model.mode,
      operator: model.operator,
      network: model.network,
      hosts: byName(model.hosts, () => ({})),
      machines: byName(model.machines, showMachine),
      services: model.services as unknown as Plain,
      apps: byName(model.apps, (app) => showApp(app, model.domain)),
    }),
  );
