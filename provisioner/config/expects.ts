/** A schema as the end of a sentence: "must be …". */
import type { Schema } from "./schema.ts";

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

const range = (schema: Schema): string => {
  const [least, most] = [number(schema["minimum"]), number(schema["maximum"])];
  if (least !== undefined && most !== undefined) return ` ${least}-${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most === undefined ? "" : ` of at most ${most}`;
};

export const choices = (schema: Schema): readonly unknown[] => {
  if (Array.isArray(schema["enum"])) return schema["enum"] as readonly unknown[];
  return schema["const"] === undefined ? [] : [schema["const"]];
};

const BY_FORMAT: Readonly<Record<string, string>> = {
  size: "a size such as 512MiB",
  duration: "a duration such as 30s",
  name: "a name",
  domain: "a domain",
  network: "a network such as 10.91.0.0/16",
};

const BY_TYPE: Readonly<Record<string, (schema: Schema) => string>> = {
  integer: (schema) => `a whole number${range(schema)}`,
  number: (schema) => `a number${range(schema)}`,
  boolean: () => "true or false",
  string: (schema) => BY_FORMAT[String(schema["format"])] ?? "text",
  object: () => "a map of keys",
  array: () => "a list",
  null: () => "null",
};

export const expectation = (schema: Schema): string => {
  const allowed = choices(schema);
  if (allowed.length > 0) return allowed.length === 1 ? `${String(allowed[0])}` : `one of ${allowed.join(", ")}`;
  const types = [schema["type"] ?? []].flat().map(String);
  const phrases = types.map((type) => BY_TYPE[type]?.(schema) ?? type);
  return phrases.length === 0 ? "something else" : phrases.join(" or ");
};
