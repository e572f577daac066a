/** A world in a folder: one JSON file per object, drivers for any kind of resource, two doors in every effect. */
import { appendFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
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

const door = async <T>(options: FakeOptions, what: string, effect: () => Promise<T>): Promise<T> => {
  await doorPoint("before");
  options.onEffect?.(what);
  const result = await effect();
  await doorPoint("after");
  return result;
};

export const readObjects = async (folder: string): Promise<ReadonlyMap<ResourceId, FakeObject>> => {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  const objects = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as FakeObject));
  return new Map(objects.map((object) => [object.id, object]));
};

/** Everything there is, sorted: the golden oracle. Half-made and temporary things show. */
export const inventory = async (folder: string): Promise<readonly string[]> => {
  const files = await readdir(folder).catch(() => []);
  const texts = files.toSorted().map(async (name) => `${decodeURIComponent(name)} ${await readFile(join(folder, name), "utf8")}`);
  return Promise.all(texts);
};

const birthsFile = (folder: string): string => `${folder}.births`;

/** How often each object came into being: once, however often a run was killed. */
export const readBirths = async (folder: string): Promise<Readonly<Record<ResourceId, number>>> => {
  const lines = (await readFile(birthsFile(folder), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return Object.fromEntries([...Map.groupBy(lines, (line) => line)].toSorted().map(([id, all]) => [id, all.length]));
};

const write = async (folder: string, object: FakeObject): Promise<void> => {
  const file = join(folder, fileName(object.id));
  await writeFile(`${file}.new`, JSON.stringify(object));
  await rename(`${file}.new`, file);
};

/** What lived on a removed object is gone with it. */
const removeWithPassengers = async (folder: string, id: ResourceId): Promise<void> => {
  const objects = await readObjects(folder);
  for (const object of objects.values()) if (object.lostWith.includes(id)) await removeWithPassengers(folder, object.id);
  await rm(join(folder, fileName(id)), { force: true });
};

const observeOne = (objects: ReadonlyMap<ResourceId, FakeObject>, id: ResourceId, options: FakeOptions): Observation => {
  const by = options.hiddenBy?.(id);
  if (by !== undefined && objects.get(by)?.ready !== true) return { status: "hidden", by };
  const found = objects.get(id);
  if (found === undefined) return { status: "absent" };
  return { status: "present", facts: found.ready ? found.spec : {} };
};

const apply = async (folder: string, resource: Resource, replaces: boolean, options: FakeOptions): Promise<JsonObject> => {
  await mkdir(folder, { recursive: true });
  if (replaces) await door(options, `remove ${resource.id}`, () => removeWithPassengers(folder, resource.id));
  const object = { id: resource.id, spec: resource.spec, lostWith: resource.lostWith ?? [] };
  await door(options, `write ${resource.id}`, async () => {
    if (!(await readObjects(folder)).has(resource.id)) await appendFile(birthsFile(folder), `${resource.id}\n`);
    await write(folder, { ...object, ready: false });
  });
  if (options.failAt === resource.id) throw new Error(`${resource.id} cannot be finished`);
  await door(options, `mark ${resource.id}`, () => write(folder, { ...object, ready: true }));
  return { made: resource.id };
};

const remove = async (folder: string, { id }: Recorded, options: FakeOptions): Promise<void> => {
  const found = (await readObjects(folder)).get(id);
  await door(options, `unmark ${id}`, async () => (found === undefined ? undefined : write(folder, { ...found, ready: false })));
  if (options.failAt === id) throw new Error(`${id} cannot be removed`);
  await door(options, `remove ${id}`, () => removeWithPassengers(folder, id));
};

const makeDriver = (folder: string, kind: string, options: FakeOptions): Driver => ({
  kind,
  observe: async (requests) => {
    const objects = await readObjects(folder);
    return new Map(requests.map(({ id }) => [id, observeOne(objects, id, options)]));
  },
  apply: ({ resource, step }) => apply(folder, resource, step.action === "replace", options),
  remove: ({ recorded }) => remove(folder, recorded, options),
});

/** Drivers for every kind that is asked for. */
export const makeFakeDrivers = (folder: string, kinds: Iterable<string>, options: FakeOptions = {}): ReadonlyMap<string, Driver> =>
  new Map([...kinds].map((kind) => [kind, makeDriver(folder, kind, options)]));
