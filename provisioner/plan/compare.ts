/** Property by property: what differs between what is there and what is wanted. Pure. */
import type { Change, Json, JsonObject } from "./resource.ts";

const isObject = (value: Json | undefined): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** Own properties only: a file may be called `constructor`. */
const own = (object: JsonObject, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);

const addChange = (changes: Change[], path: string, from: Json | undefined, to: Json | undefined): void => {
  changes.push({ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
};

const compareObjects = (changes: Change[], path: string, from: JsonObject, to: JsonObject): void => {
  for (const key of Object.keys(from)) collect(changes, `${path}.${key}`, own(from, key), own(to, key));
  for (const key of Object.keys(to)) if (!Object.hasOwn(from, key)) addChange(changes, `${path}.${key}`, undefined, own(to, key));
};

/** Lists of one length differ in items; others differ as a whole, since an item in front would move all the rest. */
const compareLists = (changes: Change[], path: string, from: readonly Json[], to: readonly Json[]): void => {
  if (from.length === to.length) to.forEach((item, index) => collect(changes, `${path}[${index}]`, from[index], item));
  else addChange(changes, path, from, to);
};

const collect = (changes: Change[], path: string, from: Json | undefined, to: Json | undefined): void => {
  if (from === to) return;
  if (isObject(from) && isObject(to)) compareObjects(changes, path, from, to);
  else if (Array.isArray(from) && Array.isArray(to)) compareLists(changes, path, from, to);
  else addChange(changes, path, from, to);
};

/** Differences in the properties that `wanted` has; others of `found` are not compared. Paths are like `ports[0]`, `files./etc/motd`. */
export const compareSpecs = (found: JsonObject, wanted: JsonObject): readonly Change[] => {
  const changes: Change[] = [];
  for (const key of Object.keys(wanted)) collect(changes, key, own(found, key), own(wanted, key));
  return changes;
};

/** The property of `spec` a change's path lies in. */
export const topProperty = (path: string): string => /^[^.[]*/.exec(path)?.[0] as string;
