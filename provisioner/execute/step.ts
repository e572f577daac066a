/** What one step does, and what state remembers of it. Nothing here decides. */
import { CroftError } from "../errors.ts";
import { compareSpecs } from "../plan/compare.ts";
import type { JsonObject, Observation, Recorded, Resource, ResourceId, Step } from "../plan/resource.ts";
import type { Emit } from "./events.ts";
import { driverOf } from "./observe.ts";
import type { Drivers } from "./observe.ts";

export type StepInput = {
  readonly desired: ReadonlyMap<ResourceId, Resource>;
  readonly observed: ReadonlyMap<ResourceId, Observation>;
  readonly drivers: Drivers;
  readonly emit: Emit;
  /** Aborted by SIGINT and SIGTERM: no new step starts. */
  readonly signal: AbortSignal;
};

/** `differs` says how what was verified is not as wanted. */
export type Outcome = { readonly output: JsonObject; readonly differs?: string };

/** What state holds of an applied resource. */
export const toRecord = (resource: Resource, output: JsonObject): Recorded => ({
  id: resource.id,
  kind: resource.kind,
  host: resource.host,
  spec: resource.spec,
  needs: resource.needs,
  ...(resource.lostWith === undefined ? {} : { lostWith: resource.lostWith }),
  ...(resource.data === undefined ? {} : { data: resource.data }),
  ...(resource.keptWith === undefined ? {} : { keptWith: resource.keptWith }),
  ...(resource.cached === undefined ? {} : { cached: resource.cached }),
  output,
  status: "active",
});

const observeOne = async (input: StepInput, step: Step, resource: Resource, recorded: Recorded | undefined): Promise<Observation> => {
  const found = await driverOf(input.drivers, step.kind).observe([{ id: step.id, resource, recorded }]);
  return found.get(step.id) ?? { status: "absent" };
};

const differenceOf = (observation: Observation, wanted: JsonObject): string | undefined => {
  if (observation.status === "hidden") return `still hidden by ${observation.by}`;
  if (observation.status === "absent") return "it is gone";
  const changes = compareSpecs(observation.facts, wanted);
  return changes.length === 0 ? undefined : `different: ${changes.map(({ path }) => path).join(", ")}`;
};

const verify = async (input: StepInput, step: Step, resource: Resource, recorded: Recorded | undefined): Promise<Outcome> => {
  const differs = differenceOf(await observeOne(input, step, resource, recorded), resource.spec);
  return { output: recorded?.output ?? {}, ...(differs === undefined ? {} : { differs }) };
};

/** What was hidden when the plan was made may be seen by now. */
const currentObservation = async (
  input: StepInput,
  step: Step,
  resource: Resource,
  recorded: Recorded | undefined,
): Promise<Observation> => {
  const observed = input.observed.get(step.id) ?? { status: "absent" };
  return observed.status === "hidden" ? observeOne(input, step, resource, recorded) : observed;
};

const applyStep = async (
  input: StepInput,
  step: Step,
  recorded: Recorded | undefined,
  progress: (text: string) => void,
): Promise<Outcome> => {
  const resource = input.desired.get(step.id);
  if (resource === undefined) throw new CroftError("BUG", `the plan has a step for ${step.id}, which nobody desires`);
  if (step.action === "verify") return verify(input, step, resource, recorded);
  const observed = await currentObservation(input, step, resource, recorded);
  return { output: await driverOf(input.drivers, step.kind).apply({ step, resource, recorded, observed, progress, signal: input.signal }) };
};

/** Does one step. @throws what its driver throws */
export const act = async (input: StepInput, step: Step, recorded: Recorded | undefined): Promise<Outcome> => {
  const progress = (text: string): void => input.emit({ type: "step-progress", step, text });
  if (step.action === "forget" || step.action === "retain") return { output: recorded?.output ?? {} };
  if (step.action !== "remove") return applyStep(input, step, recorded, progress);
  if (recorded !== undefined) await driverOf(input.drivers, step.kind).remove({ step, recorded, progress, signal: input.signal });
  return { output: {} };
};

/** Puts one step's result in place. */
export const recordResult = (resources: Map<ResourceId, Recorded>, resource: Resource | undefined, step: Step, outcome: Outcome): void => {
  const known = resources.get(step.id);
  if (step.action === "remove" || step.action === "forget") resources.delete(step.id);
  else if (step.action === "retain" && known !== undefined) resources.set(step.id, { ...known, status: "kept" });
  else if (resource !== undefined && outcome.differs === undefined) resources.set(step.id, toRecord(resource, outcome.output));
};
