/** One look at everything that is desired or recorded: every driver asked once, side by side. */
import { CroftError } from "../errors.ts";
import type { Observation, Recorded, Resource, ResourceId } from "../plan/resource.ts";
import type { Driver, ObserveRequest } from "./driver.ts";

export const observeAll = async (
  desired: readonly Resource[],
  recorded: readonly Recorded[],
  drivers: ReadonlyMap<string, Driver>,
): Promise<ReadonlyMap<ResourceId, Observation>> => {
  const records = new Map(recorded.map((record) => [record.id, record]));
  const byKind = new Map<string, ObserveRequest[]>();
  const add = (kind: string, request: ObserveRequest): void => void byKind.set(kind, [...(byKind.get(kind) ?? []), request]);
  const wanted = new Set(desired.map((resource) => resource.id));
  for (const resource of desired) add(resource.kind, { id: resource.id, resource, recorded: records.get(resource.id) });
  for (const record of recorded) if (!wanted.has(record.id)) add(record.kind, { id: record.id, resource: undefined, recorded: record });
  const found = await Promise.all(
    [...byKind].map(async ([kind, requests]) => {
      const driver = drivers.get(kind);
      if (driver === undefined) throw new CroftError("BUG", `no driver for resources of kind ${kind}`);
      return [...(await driver.observe(requests))];
    }),
  );
  return new Map(found.flat());
};
