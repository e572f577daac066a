/** Small resources, records and plans for tests. */
import { makePlan } from "./diff.ts";
import type { DiffInput } from "./diff.ts";
import type { JsonObject, Observation, Plan, Recorded, Resource } from "./resource.ts";

/** `kind/name` on host `local` with the spec `{ size: 1 }` that needs nothing. */
export const makeResource = (id: string, extras: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.slice(0, id.indexOf("/")),
  host: "local",
  spec: { size: 1 },
  needs: [],
  ...extras,
});

/** As state holds it after it was applied. */
export const makeRecord = (resource: Resource, extras: Partial<Recorded> = {}): Recorded => {
  const { id, kind, host, spec, needs, lostWith, data, keptWith, cached } = resource;
  return {
    id,
    kind,
    host,
    spec,
    needs,
    ...(lostWith === undefined ? {} : { lostWith }),
    ...(data === undefined ? {} : { data }),
    ...(keptWith === undefined ? {} : { keptWith }),
    ...(cached === undefined ? {} : { cached }),
    output: {},
    status: "active",
    ...extras,
  };
};

export const present = (facts: JsonObject): Observation => ({ status: "present", facts });
export const hidden = (by: string): Observation => ({ status: "hidden", by });
export const absent: Observation = { status: "absent" };

type Case = Partial<Omit<DiffInput, "recorded" | "observed" | "unfinished">> & {
  readonly recorded?: readonly Recorded[];
  readonly observed?: Readonly<Record<string, Observation>>;
  readonly unfinished?: readonly string[];
};

export const makeInput = (given: Case): DiffInput => ({
  site: "folio",
  environment: "default",
  desired: [],
  ...given,
  recorded: new Map((given.recorded ?? []).map((record) => [record.id, record])),
  observed: new Map(Object.entries(given.observed ?? {})),
  unfinished: new Set(given.unfinished ?? []),
});

export const planOf = (given: Case): Plan => makePlan(makeInput(given));

/** Everything is there exactly as these say. */
export const settled = (resources: readonly Resource[]): { readonly recorded: readonly Recorded[]; readonly observed: Readonly<Record<string, Observation>> } => ({
  recorded: resources.map((resource) => makeRecord(resource)),
  observed: Object.fromEntries(resources.map(({ id, spec }) => [id, present(spec)])),
});

/** `create vm/a: new` for each step that is anything but `keep`. */
export const actionsOf = (plan: Plan): readonly string[] => plan.steps.filter(({ action }) => action !== "keep").map(({ action, id, reason }) => `${action} ${id}: ${reason}`);

export const stepOf = (plan: Plan, id: string) => {
  const step = plan.steps.find((found) => found.id === id);
  if (step === undefined) throw new RangeError(`the plan has no step for ${id}`);
  return step;
};

/** Position of each changing step where each comes after all in `after`; throws where one waits for ever. */
export const runOrder = (plan: Plan): readonly string[] => {
  const waiting = plan.steps.filter(({ action }) => action !== "keep");
  const done: string[] = [];
  while (done.length < waiting.length) {
    const next = waiting.find(({ id, after }) => !done.includes(id) && after.every((need) => done.includes(need)));
    if (next === undefined) throw new RangeError(`no step can start after ${done.join(", ")}`);
    done.push(next.id);
  }
  return done;
};

