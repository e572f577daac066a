/** Croft's own drivers on a throw-away Keycloak, asked and told as a run does it. */
import type { ApplyRequest, Driver } from "../../../provisioner/execute/driver.ts";
import { compareSpecs } from "../../../provisioner/plan/compare.ts";
import type { Change, Observation, Resource, Step } from "../../../provisioner/plan/resource.ts";
import type { Shell } from "../../../provisioner/transport/shell.ts";
import { makeIdentity } from "../driver.ts";
import type { Identity } from "../driver.ts";
import { openAdmin } from "../admin.ts";
import type { Admin } from "../admin.ts";

/** What a resource lacks, or `absent`, or `hidden by RESOURCE`. */
export type Difference = readonly Change[] | string;

export type Rig = {
  readonly apply: (resource: Resource) => Promise<unknown>;
  readonly applyAll: (resources: readonly Resource[]) => Promise<void>;
  readonly remove: (resource: Resource) => Promise<void>;
  /** By resource; those that are as wanted are left out. */
  readonly invite: Identity["invite"];
  readonly differences: (resources: readonly Resource[]) => Promise<Readonly<Record<string, Difference>>>;
};

const signal = new AbortController().signal;
const stepOf = ({ id, kind, host }: Resource, action: Step["action"]): Step => ({
  id,
  kind,
  host,
  action,
  reason: "",
  changes: [],
  after: [],
  interrupts: [],
});

const toDifference = (resource: Resource, observation: Observation | undefined): Difference => {
  if (observation === undefined) throw new Error(`nothing was said of ${resource.id}`);
  if (observation.status === "hidden") return `hidden by ${observation.by}`;
  return observation.status === "present" ? compareSpecs(observation.facts, resource.spec) : "absent";
};

export type Tools = {
  readonly shell: () => Promise<Shell>;
  readonly port: number;
  readonly secrets: (name: string) => readonly string[];
};

export const makeRig = ({ shell, port, secrets }: Tools): Rig => {
  const { drivers, invite } = makeIdentity({
    connect: shell,
    secrets: async (name) => secrets(name),
    variable: (name) => `of-${name}`,
    port,
  });
  const driverOf = (kind: string): Driver => {
    const found = drivers.find((driver) => driver.kind === kind);
    if (found === undefined) throw new Error(`no driver for ${kind}`);
    return found;
  };
  const apply: Rig["apply"] = (resource) => {
    const step = stepOf(resource, "update");
    const request: ApplyRequest = { step, resource, recorded: undefined, observed: { status: "absent" }, progress: () => {}, signal };
    return driverOf(resource.kind).apply(request);
  };
  return {
    invite,
    apply,
    applyAll: async (resources) => {
      for (const resource of resources) await apply(resource);
    },
    remove: (resource) =>
      driverOf(resource.kind).remove({
        step: stepOf(resource, "remove"),
        recorded: { ...resource, output: {}, status: "active" },
        progress: () => {},
        signal,
      }),
    differences: async (resources) => {
      const kinds = Map.groupBy(resources, ({ kind }) => kind);
      const answers = await Promise.all(
        [...kinds].map(([kind, list]) =>
          driverOf(kind).observe(list.map((resource) => ({ id: resource.id, resource, recorded: undefined }))),
        ),
      );
      const seen = new Map(answers.flatMap((answer) => [...answer]));
      return Object.fromEntries(
        resources
          .map((resource) => [resource.id, toDifference(resource, seen.get(resource.id))] as const)
          .filter(([, found]) => found.length > 0),
      );
    },
  };
};

/** As somebody at the admin console. @throws Error where the secret is not taken */
export const enterAs = async (shell: Shell, port: number, client: string, secret: string): Promise<Admin> => {
  const admin = await openAdmin({ shell, address: "127.0.0.1", port }, client, secret);
  if (admin === undefined) throw new Error(`${client} is not let in`);
  return admin;
};
