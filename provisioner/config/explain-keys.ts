/** Explanations of keys: unknown, missing, and the one that says which kind a map is. */
import type { Fault } from "./ajv.ts";
import { findConfusable } from "./characters.ts";
import { exampleOf, got, optional } from "./explain-words.ts";
import { inside } from "./labels.ts";
import { lookAlike } from "./lookalike.ts";
import type { Finding } from "./problem.ts";
import type { Schema } from "./schema.ts";
import { closest } from "./suggest.ts";
import { backticked } from "./text.ts";
import { entriesOf, entryAt, nodeAt, spanOf, valueSpan, type Entry, type Node } from "./tree.ts";

/** Words of other programs, and what croft has instead. */
const UNSPOKEN: Readonly<Record<string, string>> = {
  image: "machines get their image from croft",
  ports: "a workload has one `port`; routes publish it",
  replicas: "a workload runs once; releases alternate between two ports",
  replica: "a workload runs once",
  volumes: "data lives on `disks` of a machine",
};

export const explainUnknownKey = (root: Node, fault: Fault): Finding => {
  const key = String(fault.params["additionalProperty"]);
  const allowed = Object.keys((fault.schema["properties"] ?? {}) as object);
  const span = entryAt(root, [...fault.path, key])?.keySpan ?? spanOf(root, fault.path);
  const confusable = findConfusable(key);
  if (confusable !== undefined)
    return {
      code: "E0110",
      message: `${confusable.message}, in key ${backticked(key)}`,
      span: { start: span.start + confusable.at, end: span.start + confusable.at + 1 },
      hint: "type it again by hand",
    };
  const near = closest(key, allowed);
  const known = Object.hasOwn(UNSPOKEN, key) ? UNSPOKEN[key] : undefined;
  return {
    code: "E0103",
    message: `unknown key ${backticked(key)}${inside(fault.path)}`,
    span,
    ...optional(near === undefined ? known : `did you mean ${backticked(near)}?`),
    help: allowed.length === 0 ? "no keys are allowed here" : `keys allowed here: ${allowed.join(", ")}`,
  };
};

export const explainMissing = (root: Node, fault: Fault): Finding => {
  const key = String(fault.params["missingProperty"]);
  const schema = ((fault.schema["properties"] ?? {}) as Readonly<Record<string, { readonly description?: string }>>)[key];
  const example = exampleOf(schema);
  const span = fault.path.length === 0 ? { start: root.span.start, end: root.span.start + 1 } : spanOf(root, fault.path);
  const help = [example === undefined ? undefined : `add \`${key}: ${example}\``, schema?.description]
    .filter((part) => part !== undefined)
    .join(" - ");
  return { code: "E0104", message: `missing key ${backticked(key)}${inside(fault.path)}`, span, ...(help === "" ? {} : { help }) };
};

/** The entry that was to say the kind: spelt nearly so, or with the name of a kind as its value. */
const keyMeantAs = (tag: string, kinds: readonly string[], map: Node | undefined): Entry | undefined =>
  entriesOf(map).find(({ key }) => closest(key, [tag]) !== undefined) ??
  entriesOf(map).find(({ value }) => value.kind === "scalar" && kinds.includes(String(value.value)));

/** A map of one of several kinds: which kinds there are stands in the schema's branches. */
export const explainKind = (root: Node, fault: Fault): Finding => {
  const tag = String(fault.params["tag"]);
  const branches = (fault.schema["oneOf"] ?? []) as readonly { readonly properties: Readonly<Record<string, Schema>> }[];
  const allowed = branches.map(({ properties }) => String(properties[tag]?.["const"]));
  const path = [...fault.path, tag];
  const node = nodeAt(root, path);
  const meant = node === undefined ? keyMeantAs(tag, allowed, nodeAt(root, fault.path)) : undefined;
  if (meant !== undefined)
    return {
      code: "E0103",
      message: `unknown key ${backticked(meant.key)}${inside(fault.path)}`,
      span: meant.keySpan,
      hint: `did you mean ${backticked(tag)}?`,
      help: `${tag} is one of ${allowed.join(", ")}`,
    };
  if (node === undefined)
    return {
      code: "E0104",
      message: `missing key ${backticked(tag)}${inside(fault.path)}`,
      span: spanOf(root, fault.path),
      help: `${tag} is one of ${allowed.join(", ")}`,
    };
  const near = node.kind === "scalar" ? closest(String(node.value), allowed) : undefined;
  return {
    code: "E0107",
    message: `${backticked(tag)} must be one of ${allowed.join(", ")}, got ${got(node)}`,
    span: valueSpan(root, path),
    ...optional(near === undefined ? undefined : `did you mean ${backticked(near)}?`),
  };
};

/** The key that a misspelt one was meant to be. */
const meantKey = (fault: Fault): string | undefined => {
  const key = [...String(fault.params["additionalProperty"])].map((character) => lookAlike(character) ?? character).join("");
  const allowed = Object.keys((fault.schema["properties"] ?? {}) as object);
  return allowed.includes(key) ? key : closest(key, allowed);
};

const namesKey = (fault: Fault, key: unknown): boolean =>
  (fault.keyword === "discriminator" && fault.params["tag"] === key) ||
  (fault.keyword === "additionalProperties" && meantKey(fault) === key);

/** A missing key is said once: not where another fault of the same map already names it. */
export const withoutRepeated = (faults: readonly Fault[]): readonly Fault[] => {
  const byMap = Map.groupBy(faults, ({ path }) => path.join("/"));
  const isNamed = ({ path, params }: Fault): boolean =>
    (byMap.get(path.join("/")) ?? []).some((other) => namesKey(other, params["missingProperty"]));
  return faults.filter((fault) => fault.keyword !== "required" || !isNamed(fault));
};
