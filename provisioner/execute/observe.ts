/** One look at everything that is desired or recorded: every driver asked once, side by side. */
import { CroftError } from "../errors.ts";
import type { Observation, Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { Driver, ObserveRequest } from "./driver.ts";

export type Drivers = ReadonlyMap<string, Driver>;

/** @throws CroftError BUG */
export const driverOf = (drivers: Drivers, kind: string): Driver => {
  const driver = drivers.get(kind);
  if (driver === undefined) throw new CroftError("BUG", `no driver for resources of kind ${kind}`);
  return driver;
};

type Asked = ObserveRequest & { readonly kind: string };

export const observeAll = async (
  desired: readonly Resource[],
  recorded: readonly Recorded[],
  drivers: Drivers,
): Promise<ReadonlyMap<ResourceId, Observation>> => {
  const records = new Map(recorded.map((record) => [record.id, record]));
  const wanted = new Set(desired.map(({ id }) => id));
  const asked: readonly Asked[] = [
    ...desired.map((resource) => ({ kind: resource.kind, id: resource.id, resource, recorded: records.get(resource.id) })),
    ...recorded
      .filter(({ id }) => !wanted.has(id))
      .map((record) => ({ kind: record.kind, id: record.id, resource: undefined, recorded: record })),
  ];
  const byKind = Map.groupBy(asked, ({ kind }) => kind);
  const answers = await Promise.all([...byKind].map(async ([kind, requests]) => driverOf(drivers, kind).observe(requests)));
  const found = new Map<ResourceId, Observation>();
  for (const answer of answers) for (const [id, observation] of answer) found.set(id, observation);
  return found;
};
