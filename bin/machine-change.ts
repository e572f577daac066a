/** One machine changed between runs: a plan of a step or two, done under the site's lock and in its journal like any other. */
import { findUnfinished, recallRecords } from "../provisioner/execute/journal-entry.ts";
import { readJournal } from "../provisioner/execute/journal.ts";
import type { PlanInput, Planned } from "../provisioner/execute/apply.ts";
import type { MachineAction } from "../provisioner/hypervisor/machine-actions.ts";
import { hashSteps } from "../provisioner/plan/diff.ts";
import { lintPlan } from "../provisioner/plan/lint.ts";
import type { Change, Recorded, Resource, ResourceId, Step } from "../provisioner/plan/resource.ts";
import type { State } from "../provisioner/state/store.ts";
import { runPlanned } from "./change.ts";
import type { Ended, RunOptions } from "./change.ts";
import type { Loaded } from "./load.ts";
import type { Io } from "./main.ts";

/** A resource with what is done to it; the steps of one change come in their order. */
export type MachineStep = {
  readonly resource: Resource;
  readonly action: "create" | "update";
  readonly reason: string;
  readonly changes: readonly Change[];
};

/** What state remembers of a resource, as something that can be acted upon without any configuration. */
export const asRecorded = ({ output: _output, status: _status, ...record }: Recorded): Resource => record;

const toSteps = (steps: readonly MachineStep[]): readonly Step[] =>
  steps.map(({ resource, action, reason, changes }, index) => ({
    id: resource.id,
    kind: resource.kind,
    host: resource.host,
    action,
    reason,
    changes,
    after: steps.slice(0, index).map((earlier) => earlier.resource.id),
    interrupts: [],
  }));

/** Machines alone, for the sums of what hosts have: their needs are not part of this change. */
const machinesOf = (loaded: Loaded): readonly Resource[] =>
  loaded.desired.resources.filter(({ kind }) => kind === "machine").map((machine) => ({ ...machine, needs: [] }));

const recordsOf = async (loaded: Loaded, state: State): Promise<Pick<Planned, "recorded" | "unfinished">> => {
  const unfinished = findUnfinished(await readJournal(loaded.paths.journal), state);
  const desired = new Set<ResourceId>(loaded.desired.resources.map(({ id }) => id));
  return { unfinished, recorded: recallRecords(state.resources, unfinished, desired) };
};

export type MachineChange = {
  readonly action: MachineAction;
  /** Made again from the state that is read under the lock. */
  readonly steps: (recorded: ReadonlyMap<ResourceId, Recorded>) => Promise<readonly MachineStep[]>;
};

export const changeMachine = async (loaded: Loaded, io: Io, options: RunOptions, change: MachineChange): Promise<Ended> => {
  const world = loaded.openWorld(loaded.state, loaded.desired);
  const { site, environment } = loaded.model;
  const hosts = await loaded.hosts();
  const plan = async (state: State): Promise<{ planned: Planned; input: PlanInput }> => {
    const records = await recordsOf(loaded, state);
    const wanted = await change.steps(records.recorded);
    const steps = toSteps(wanted);
    const desired = wanted.map(({ resource }) => resource);
    const whole = { site, environment, steps, hash: hashSteps(steps) };
    const findings =
      change.action === "grow" ? lintPlan({ plan: whole, desired: machinesOf(loaded), recorded: new Map(), hosts, options: {} }) : [];
    const drivers = world.acting(change.action);
    return {
      planned: { plan: whole, findings, observed: new Map(), ...records },
      input: { site, environment, desired, state, drivers, journalFile: loaded.paths.journal, hosts, options: {} },
    };
  };
  try {
    return await runPlanned(loaded, io, options, (await plan(loaded.state)).planned, plan);
  } finally {
    await world.close();
  }
};
