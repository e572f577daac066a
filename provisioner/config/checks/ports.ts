/** Every port of a machine belongs to one thing. Workloads take two each, so that releases can alternate. */
import type { Finding } from "../problem.ts";
import { quoted, type Span } from "../text.ts";
import { entriesOf, wordAt } from "../tree.ts";
import { numberAt, section, workloadsOf, type Check, type View, type WorkloadView } from "./view.ts";

const SSH = 22;
const SERVICE_PORTS: ReadonlyMap<string, readonly number[]> = new Map([
  ["postgres", [5432]],
  ["gateway", [80, 443]],
]);

type Use = { readonly port: number; readonly span: Span; readonly owner: string; readonly what: string };

const portsOfService = (view: View, name: string): readonly number[] =>
  view.services.find((service) => service.name === name)?.ports ?? SERVICE_PORTS.get(name) ?? [];

const usesOfServices = (view: View, machine: string): readonly Use[] =>
  section(view, "services")
    .filter(({ value }) => wordAt(value, "machine")?.text === machine)
    .flatMap(({ key, keySpan }) =>
      portsOfService(view, key).map((port) => ({ port, span: keySpan, owner: key, what: `service ${quoted(key)}` })),
    );

const FIELDS = ["port", "metricsPort"] as const;

const usesOfWorkload = ({ app, name, node }: WorkloadView): readonly Use[] =>
  FIELDS.flatMap((field) => {
    const first = numberAt(node, field);
    if (first === undefined || !Number.isInteger(first.value)) return [];
    return [0, 1].map((offset) => ({
      port: first.value + offset,
      span: first.node.span,
      owner: `${app.name}/${name}/${field}`,
      what: `\`${field}\` of workload ${quoted(name)}`,
    }));
  });

const clash = (machine: string, use: Use, before: Use): Finding => ({
  code: "E0132",
  message: `port ${use.port} of machine ${quoted(machine)} is taken: ${before.what} uses it`,
  span: use.span,
  help: "a workload uses its port and the one above it",
  related: before.port === SSH ? [] : [{ span: before.span, label: "first used here" }],
});

/** One finding for two fields, however many of their ports meet. */
const findClashes = (machine: string, uses: readonly Use[]): readonly Finding[] => {
  const taken = new Map<number, Use>([[SSH, { port: SSH, span: { start: 0, end: 0 }, owner: "ssh", what: "SSH" }]]);
  const told = new Set<string>();
  return uses.flatMap((use) => {
    const before = taken.get(use.port);
    if (before === undefined) taken.set(use.port, use);
    if (before === undefined || before.owner === use.owner || told.has(`${before.owner} ${use.owner}`)) return [];
    told.add(`${before.owner} ${use.owner}`);
    return [clash(machine, use, before)];
  });
};

export const checkPorts: Check = (view) => {
  const workloads = workloadsOf(view);
  return entriesOf(view.root.entries.get("machines")?.value).flatMap(({ key }) => {
    const own = workloads.filter(({ node }) => wordAt(node, "machine")?.text === key);
    return findClashes(key, [...usesOfServices(view, key), ...own.flatMap(usesOfWorkload)]);
  });
};
