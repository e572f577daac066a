/** Croft's own drivers on a throw-away server, asked and told as a run does it. */
import { compareSpecs } from "../../../provisioner/plan/compare.ts";
import type { ApplyRequest, Driver, RemoveRequest } from "../../../provisioner/execute/driver.ts";
import type { Migration } from "../../../provisioner/model/contribution.ts";
import type { Rotating } from "../../../provisioner/model/rotation.ts";
import type { Change, Observation, Resource, Step } from "../../../provisioner/plan/resource.ts";
import { openDatabase } from "../client.ts";
import type { Row } from "../client.ts";
import { makePostgresDrivers } from "../driver.ts";
import type { Cluster } from "./cluster.fixture.ts";
import { insideServer } from "./model.fixture.ts";
import type { Rotations } from "./model.fixture.ts";

/** What a resource lacks, or that it is not there, or not to be seen. */
export type Difference = readonly Change[] | "absent" | "hidden";

export type Rig = {
  readonly asRoot: (sql: string, database?: string) => Promise<readonly Row[]>;
  readonly apply: (resource: Resource, progress?: (text: string) => void) => Promise<unknown>;
  readonly applyAll: (resources: readonly Resource[]) => Promise<void>;
  readonly remove: (resource: Resource) => Promise<void>;
  /** By resource; those that are as wanted are left out. */
  readonly differences: (
    migrations: readonly Migration[],
    rotations?: Rotations,
    rotating?: Rotating,
  ) => Promise<Readonly<Record<string, Difference>>>;
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
  return observation.status === "present" ? compareSpecs(observation.facts, resource.spec) : observation.status;
};

export const makeRig = (cluster: Cluster, passwordOf: (secret: string) => string): Rig => {
  const drivers = makePostgresDrivers({ connect: async () => cluster.shell, secret: async (name) => passwordOf(name) });
  const driverOf = (kind: string): Driver => {
    const found = drivers.find((driver) => driver.kind === kind);
    if (found === undefined) throw new Error(`no driver for ${kind}`);
    return found;
  };

  const apply: Rig["apply"] = (resource, progress = () => {}) => {
    const request: ApplyRequest = {
      step: stepOf(resource, "update"),
      resource,
      recorded: undefined,
      observed: { status: "absent" },
      progress,
      signal,
    };
    return driverOf(resource.kind).apply(request);
  };

  const observeAll = async (resources: readonly Resource[]): Promise<ReadonlyMap<string, Observation>> => {
    const kinds = Map.groupBy(resources, ({ kind }) => kind);
    const answers = await Promise.all(
      [...kinds].map(([kind, list]) =>
        driverOf(kind).observe(list.map((resource) => ({ id: resource.id, resource, recorded: undefined }))),
      ),
    );
    return new Map(answers.flatMap((answer) => [...answer]));
  };

  return {
    asRoot: async (sql, database = "postgres") => {
      const opened = await openDatabase(cluster.shell, database);
      try {
        return await opened.query(sql);
      } finally {
        await opened.close();
      }
    },
    apply,
    applyAll: async (resources) => {
      for (const resource of resources) await apply(resource);
    },
    remove: (resource) => {
      const request: RemoveRequest = {
        step: stepOf(resource, "remove"),
        recorded: { ...resource, output: {}, status: "active" },
        progress: () => {},
        signal,
      };
      return driverOf(resource.kind).remove(request);
    },
    differences: async (migrations, rotations = {}, rotating = {}) => {
      const resources = insideServer(migrations, rotations, rotating);
      const seen = await observeAll(resources);
      return Object.fromEntries(
        resources
          .map((resource) => [resource.id, toDifference(resource, seen.get(resource.id))] as const)
          .filter(([, found]) => found.length > 0),
      );
    },
  };
};
