/** Property by property: what differs between what is there and what is wanted. Pure. */
import type { Change, Json, JsonObject } from "./resource.ts";

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isWord = (key: string): boolean => /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key);
const join = (path: string, key: string): string => {
  if (path === "") return key;
  return isWord(key) ? `${path}.${key}` : `${path}[${key}]`;
};

const addChange = (changes: Change[], path: string, from: Json | undefined, to: Json | undefined): void => {
  changes.push({ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
};

const compareObjects = (changes: Change[], path: string, from: JsonObject, to: JsonObject): void => {
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    collect(changes, join(path, key), from[key], to[key]);
  }
};

const collect = (changes: Change[], path: string, from: Json | undefined, to: Json | undefined): void => {
  if (from === to) return;
  if (isObject(from) && isObject(to)) compareObjects(changes, path, from, to);
  else if (Array.isArray(from) && Array.isArray(to)) {
    if (JSON.stringify(from) !== JSON.stringify(to)) addChange(changes, path, from, to);
  } else addChange(changes, path, from, to);
};

/** Differences in the properties that `wanted` has; others of `found` are not compared. */
export const compareSpecs = (found: JsonObject, wanted: JsonObject): readonly Change[] => {
  const changes: Change[] = [];
  for (const key of Object.keys(wanted)) collect(changes, key, found[key], wanted[key]);
  return changes;
};

/** The property of `spec` a change's path lies in. */
export const topProperty = (path: string): string => path.split(/[.[]/)[0] ?? path;
