/** Found settings in the shape of wanted ones, and the other way round. Pure. */
import type { Json, JsonObject } from "../../provisioner/plan/resource.ts";

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
export const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
export const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** Keycloak keeps lists as sets, in any order. */
const ordered = (list: readonly Json[]): readonly Json[] =>
  list.every((item) => typeof item === "string") ? (list as readonly string[]).toSorted() : list;

/** The properties that `wanted` has, as they were found; what is missing is null. */
export const pickLike = (found: Json | undefined, wanted: Json): Json => {
  if (isObject(wanted)) {
    return Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, pickLike(objectOf(found)[key], value)]));
  }
  return Array.isArray(found) ? ordered(found as readonly Json[]) : (found ?? null);
};

/** Wanted properties over found ones; what Keycloak has beside them stays. */
export const mergeOver = (found: JsonObject, wanted: JsonObject): JsonObject => ({
  ...found,
  ...Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => {
      const before = found[key];
      return [key, isObject(value) && isObject(before) ? mergeOver(before, value) : value];
    }),
  ),
});
