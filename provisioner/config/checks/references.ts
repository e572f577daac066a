/** Names that must stand for something: hosts, machines, disks, workloads, and the services that an app needs. */
import type { Finding } from "../problem.ts";
import { quoted } from "../text.ts";
import { entriesOf, nodeAt, wordAt } from "../tree.ts";
import { appsOf, checkReference, routesOf, section, workloadsOf, type Check, type View } from "./view.ts";

const keysOf = (view: View, name: string): readonly string[] => section(view, name).map(({ key }) => key);

const checkHosts: Check = (view) => {
  const hosts = nodeAt(view.root, ["hosts"]) === undefined ? ["local"] : keysOf(view, "hosts");
  return section(view, "machines").flatMap(({ value }) =>
    checkReference(wordAt(value, "host"), hosts, (name) => `host ${name} is not defined`),
  );
};

const checkMachines: Check = (view) => {
  const machines = keysOf(view, "machines");
  const users = [...section(view, "services").map(({ value }) => value), ...workloadsOf(view).map(({ node }) => node)];
  return users.flatMap((node) => checkReference(wordAt(node, "machine"), machines, (name) => `machine ${name} is not defined`));
};

const checkDisks: Check = (view) =>
  section(view, "services").flatMap(({ value }) => {
    const machine = wordAt(value, "machine");
    const disk = wordAt(value, "disk");
    const found = machine && nodeAt(view.root, ["machines", machine.text]);
    if (found === undefined || machine === undefined) return [];
    return checkReference(
      disk,
      entriesOf(nodeAt(found, ["disks"])).map(({ key }) => key),
      (name) => `machine ${quoted(machine.text)} has no disk ${name}`,
    );
  });

const checkTargets: Check = (view) =>
  routesOf(view).flatMap(({ app, node }) => {
    const workloads = entriesOf(nodeAt(app.node, ["workloads"])).map(({ key }) => key);
    return checkReference(wordAt(node, "to"), workloads, (name) => `app ${quoted(app.name)} has no workload ${name}`);
  });

type Need = { readonly key: "routes" | "database"; readonly service: string; readonly says: string };
const NEEDS: readonly Need[] = [
  { key: "routes", service: "gateway", says: "routes are answered by the gateway" },
  { key: "database", service: "postgres", says: "databases live in the postgres service" },
];

const hasPart = (node: ReturnType<typeof nodeAt>): boolean => node !== undefined && !(node.kind === "list" && node.items.length === 0);

const checkNeeds: Check = (view) => {
  const present = keysOf(view, "services");
  return NEEDS.filter(({ service }) => view.services.some(({ name }) => name === service) && !present.includes(service)).flatMap(
    ({ key, service, says }): readonly Finding[] => {
      const user = appsOf(view).find(({ node }) => hasPart(nodeAt(node, [key])));
      const entry = user && entriesOf(user.node).find((candidate) => candidate.key === key);
      if (user === undefined || entry === undefined) return [];
      return [
        {
          code: "E0130",
          message: `app ${quoted(user.name)} has \`${key}\`, but service "${service}" is not defined`,
          span: entry.keySpan,
          help: `${says}: add \`${service}\` under \`services\``,
        },
      ];
    },
  );
};

export const checkReferences: Check = (view) =>
  [checkHosts, checkMachines, checkDisks, checkTargets, checkNeeds].flatMap((check) => check(view));
