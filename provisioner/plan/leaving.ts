/** What becomes of each recorded resource that nobody desires any more. Pure. */
import type { Decided, Decision, DiffInput, DiffOptions } from "./diff.ts";
import { topologicalOrder } from "./graph.ts";
import type { Observation, Recorded, ResourceId } from "./resource.ts";

const ABSENT: Observation = { status: "absent" };

/** Named by the user: by its id, or by the part after the kind or after the last slash. */
export const isAllowed = (id: ResourceId, options: DiffOptions): boolean => {
  if (options.purge === true) return true;
  const names = options.allowDestroy ?? [];
  return names.includes(id) || names.includes(id.slice(id.lastIndexOf("/") + 1)) || names.includes(id.slice(id.indexOf("/") + 1));
};

/** Named itself, or lying in data that was named. */
export const mayGo = (
  record: Pick<Recorded, "id" | "lostWith">,
  recorded: ReadonlyMap<ResourceId, Recorded>,
  options: DiffOptions,
): boolean =>
  isAllowed(record.id, options) || (record.lostWith ?? []).some((id) => recorded.get(id)?.data === true && isAllowed(id, options));

/** What stays when the site goes: data that may not go, and what belongs to it. What stayed then stays until it is named. */
const findRetained = (input: DiffInput, leaving: readonly Recorded[], options: DiffOptions): ReadonlySet<ResourceId> => {
  const retained = new Set<ResourceId>();
  for (const record of leaving) {
    if (options.destroy !== true && record.status !== "kept") continue;
    if (record.data === true ? mayGo(record, input.recorded, options) : isAllowed(record.id, options)) continue;
    if (record.data === true || (record.keptWith ?? []).some((id) => retained.has(id))) retained.add(record.id);
  }
  return retained;
};

const decideRetained = (record: Recorded): Decision => {
  if (record.status === "kept") return { action: "keep", reason: "its data stays", changes: [] };
  return { action: "retain", reason: record.data === true ? "holds data; stays" : "stays with the data it belongs to", changes: [] };
};

const forget = (reason: string): Decision => ({ action: "forget", reason, changes: [] });

/** Everything needed to say what happens to one record; `gone` holds what this plan has taken away so far. */
type Context = {
  readonly options: DiffOptions;
  readonly desired: ReadonlySet<ResourceId>;
  readonly gone: ReadonlySet<ResourceId>;
  readonly unfinished: ReadonlySet<ResourceId>;
};

const decideGone = (record: Recorded, observed: Observation, { options, desired, gone, unfinished }: Context): Decision => {
  if (record.cached === true) return forget("stays in the cache");
  // What a killed run was making may be there without being whole: to remove is to ensure.
  if (observed.status === "absent" && !unfinished.has(record.id)) return forget("already gone");
  const carrier = (record.lostWith ?? []).find((id) => gone.has(id));
  if (carrier !== undefined) return forget(`goes with ${carrier}`);
  if (observed.status === "hidden" && !desired.has(observed.by)) return forget(`out of reach: ${observed.by} goes too`);
  return { action: "remove", reason: options.destroy === true ? "the site is destroyed" : "no longer in croft.yaml", changes: [] };
};

/** Every record that is not desired with its decision, carriers before what they carry. */
export const decideLeaving = (input: DiffInput): readonly Decided[] => {
  const { options = {}, unfinished = new Set() } = input;
  const desired = new Set(input.desired.map(({ id }) => id));
  const records = [...input.recorded.values()].filter(({ id }) => !desired.has(id));
  const edges = new Map(records.map(({ id, lostWith, keptWith }) => [id, [...(lostWith ?? []), ...(keptWith ?? [])]]));
  const leaving = topologicalOrder(edges).map((id) => input.recorded.get(id) as Recorded);
  const retained = findRetained(input, leaving, options);
  const gone = new Set<ResourceId>();
  return leaving.map((record) => {
    const { id, kind, host, cached } = record;
    const decision = retained.has(id)
      ? decideRetained(record)
      : decideGone(record, input.observed.get(id) ?? ABSENT, { options, desired, gone, unfinished });
    if (!retained.has(id) && cached !== true) gone.add(id);
    return { id, kind, host, decision, interrupts: [] };
  });
};
