/** A world in a folder: one JSON file per object, drivers for any kind of resource, two doors in every effect. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "../../provisioner/execute/driver.ts";
import { doorPoint } from "../../provisioner/execute/faults.ts";
import type { JsonObject, Observation, Recorded, Resource, ResourceId } from "../../provisioner/plan/resource.ts";

/** `ready` is the mark set by the second effect; what lacks it is half made. */
export type FakeObject = {
  readonly id: ResourceId;
  readonly spec: JsonObject;
  readonly lostWith: readonly ResourceId[];
  readonly ready: boolean;
};

export type FakeOptions = {
  /** What hides an object until it is ready itself: id to id. */
  readonly hiddenBy?: (id: ResourceId) => ResourceId | undefined;
  /** Throws inside this step's second effect. */
  readonly failAt?: ResourceId;
  /** Called before every effect. */
  readonly onEffect?: (what: string) => void;
};

const fileName = (id: ResourceId): string => `${encodeURIComponent(id)}.json`;

const door = async (options: FakeOptions, what: string, effect: () => void): Promise<void> => {
  await doorPoint("before");
  options.onEffect?.(what);
  effect();
  await doorPoint("after");
};

const readText = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, "utf8") : undefined);

const listFiles = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).toSorted() : []);

/** Thousands of processes look at worlds: one file per question, never the whole folder. */
const readObject = (folder: string, id: ResourceId): FakeObject | undefined => {
  const text = readText(join(folder, fileName(id)));
  return text === undefined ? undefined : (JSON.parse(text) as FakeObject);
};

const readObjects = (folder: string): readonly FakeObject[] =>
  listFiles(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as FakeObject);

/** Everything there is, sorted: the golden oracle. Half-made and temporary things show. */
export const inventory = (folder: string): readonly string[] =>
  listFiles(folder).map((name) => `${decodeURIComponent(name)} ${readFileSync(join(folder, name), "utf8")}`);

const birthsFile = (folder: string): string => `${folder}.births`;

/** How often each object came into being: once, however often a run was killed. */
export const readBirths = (folder: string): Readonly<Record<ResourceId, number>> => {
  const lines = (readText(birthsFile(folder)) ?? "").split("\n").filter((line) => line !== "");
  return Object.fromEntries([...Map.groupBy(lines, (line) => line)].toSorted().map(([id, all]) => [id, all.length]));
};

const write = (folder: string, object: FakeObject): void => {
  const file = join(folder, fileName(object.id));
  writeFileSync(`${file}.new`, JSON.stringify(object));
  renameSync(`${file}.new`, file);
};

/** What lived on a removed object is gone with it. */
const removeWithPassengers = (folder: string, id: ResourceId): void => {
  for (const object of readObjects(folder)) if (object.lostWith.includes(id)) removeWithPassengers(folder, object.id);
  rmSync(join(folder, fileName(id)), { force: true });
};

const observeOne = (folder: string, id: ResourceId, options: FakeOptions): Observation => {
  const by = options.hiddenBy?.(id);
  if (by !== undefined && readObject(folder, by)?.ready !== true) return { status: "hidden", by };
  const found = readObject(folder, id);
  if (found === undefined) return { status: "absent" };
  return { status: "present", facts: found.ready ? found.spec : {} };
};

const apply = async (folder: string, resource: Resource, replaces: boolean, options: FakeOptions): Promise<JsonObject> => {
  mkdirSync(folder, { recursive: true });
  if (replaces) await door(options, `remove ${resource.id}`, () => removeWithPassengers(folder, resource.id));
  const object = { id: resource.id, spec: resource.spec, lostWith: resource.lostWith ?? [] };
  await door(options, `write ${resource.id}`, () => {
    if (readObject(folder, resource.id) === undefined) appendFileSync(birthsFile(folder), `${resource.id}\n`);
    write(folder, { ...object, ready: false });
  });
  if (options.failAt === resource.id) throw new Error(`${resource.id} cannot be finished`);
  await door(options, `mark ${resource.id}`, () => write(folder, { ...object, ready: true }));
  return { made: resource.id };
};

const remove = async (folder: string, { id }: Recorded, options: FakeOptions): Promise<void> => {
  const found = readObject(folder, id);
  await door(options, `unmark ${id}`, () => (found === undefined ? undefined : write(folder, { ...found, ready: false })));
  if (options.failAt === id) throw new Error(`${id} cannot be removed`);
  await door(options, `remove ${id}`, () => removeWithPassengers(folder, id));
};

const makeDriver = (folder: string, kind: string, options: FakeOptions): Driver => ({
  kind,
  observe: (requests) => Promise.resolve(new Map(requests.map(({ id }) => [id, observeOne(folder, id, options)]))),
  apply: ({ resource, step }) => apply(folder, resource, step.action === "replace", options),
  remove: ({ recorded }) => remove(folder, recorded, options),
});

/** Drivers for every kind that is asked for. */
export const makeFakeDrivers = (folder: string, kinds: Iterable<string>, options: FakeOptions = {}): ReadonlyMap<string, Driver> =>
  new Map([...kinds].map((kind) => [kind, makeDriver(folder, kind, options)]));
