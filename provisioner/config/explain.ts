/** Faults of the schema as findings: the span of the very token, and a sentence that says what was expected. */
import type { Fault } from "./ajv.ts";
import { choices, expectation } from "./expects.ts";
import { explainKind, explainMissing, explainUnknownKey, withoutRepeated } from "./explain-keys.ts";
import { exampleOf, got, optional, subject } from "./explain-words.ts";
import type { Flaw } from "./flaw.ts";
import { FORMATS } from "./formats.ts";
import type { Finding } from "./problem.ts";
import { KNOWN_VERSION, type Schema } from "./schema.ts";
import { closest } from "./suggest.ts";
import { backticked, showValue, type Span } from "./text.ts";
import { entryAt, nodeAt, spanInside, spanOf, valueSpan, type Node, type ScalarNode } from "./tree.ts";

const readAs = (node: ScalarNode): string => {
  if (node.value === null) return node.source === "" ? "there is nothing" : "YAML reads this as null";
  return typeof node.value === "number" ? `YAML reads this as the number ${node.value}` : `YAML reads this as ${String(node.value)}`;
};

const isText = (schema: Schema): boolean => [schema["type"]].flat().includes("string");

/** A number where a size or a duration stands lacks its unit, not its quotes. */
const quantityHint = (schema: Schema, source: string): string | undefined => {
  const format = String(schema["format"]);
  return format === "size" || format === "duration" ? FORMATS.get(format)?.(source)?.hint : undefined;
};

const YES = new Set(["yes", "on", "y", "True", "TRUE"]);
const NO = new Set(["no", "off", "n", "False", "FALSE"]);

const typeHint = (schema: Schema, node: Node | undefined): string | undefined => {
  if (node?.kind !== "scalar") return undefined;
  const type = schema["type"];
  if (type === "boolean" && typeof node.value === "string")
    return YES.has(node.value) ? "write true" : NO.has(node.value) ? "write false" : undefined;
  if ((type === "integer" || type === "number") && /^\d+$/.test(String(node.value).trim()) && typeof node.value === "string")
    return `write ${node.value.trim()} without quotes`;
  if (type === "object" && node.value === null) return "write {} for an empty one";
  return type === "array" && node.value !== null ? `write [${showValue(node.source)}]` : undefined;
};

const explainVersion = (root: Node, node: Node | undefined, span: Span): Finding => {
  const value = node?.kind === "scalar" ? node.value : undefined;
  if (typeof value !== "number" || value < KNOWN_VERSION)
    return {
      code: "E0122",
      message: `\`version\` is the whole number ${KNOWN_VERSION}, got ${got(nodeAt(root, ["version"]))}`,
      span,
      hint: `write ${KNOWN_VERSION}`,
    };
  if (!Number.isInteger(value))
    return {
      code: "E0122",
      message: `\`version\` is the whole number ${KNOWN_VERSION}; YAML reads this as the number ${value}`,
      span,
      hint: `write ${KNOWN_VERSION}`,
    };
  return {
    code: "E0122",
    message: `the file says version ${value}, this program knows ${KNOWN_VERSION}`,
    span,
    help: "it was written for a newer croft: upgrade croft",
  };
};

const explainType = (root: Node, fault: Fault): Finding => {
  const node = nodeAt(root, fault.path);
  const span = valueSpan(root, fault.path);
  if (node?.kind === "scalar" && typeof node.value !== "string" && isText(fault.schema)) {
    const hint = quantityHint(fault.schema, node.source) ?? `quote it: "${showValue(node.source)}"`;
    return { code: "E0102", message: `${subject(fault)} must be ${expectation(fault.schema)}; ${readAs(node)}`, span, ...optional(hint) };
  }
  return {
    code: "E0102",
    message: `${subject(fault)} must be ${expectation(fault.schema)}, got ${got(node)}`,
    span,
    ...optional(typeHint(fault.schema, node)),
  };
};

const flawSpan = (root: Node, fault: Fault, flaw: Flaw): Span => {
  if (fault.key !== undefined) {
    const span = entryAt(root, [...fault.path, fault.key])?.keySpan ?? spanOf(root, fault.path);
    const exact = span.end - span.start === fault.key.length;
    return exact ? { start: span.start + flaw.at, end: span.start + flaw.at + Math.max(1, flaw.length) } : span;
  }
  const node = nodeAt(root, fault.path);
  return node?.kind === "scalar" ? spanInside(node, flaw.at, flaw.length) : spanOf(root, fault.path);
};

const explainFormat = (root: Node, fault: Fault): Finding => {
  const node = nodeAt(root, fault.path);
  const text = fault.key ?? (node?.kind === "scalar" ? String(node.value) : "");
  const flaw = FORMATS.get(String(fault.params["format"]))?.(text);
  if (flaw === undefined) return explainOther(root, fault);
  return {
    code: flaw.code,
    message: flaw.message,
    span: flawSpan(root, fault, flaw),
    ...optional(flaw.hint),
    ...(flaw.help === undefined ? {} : { help: flaw.help }),
  };
};

const explainChoice = (root: Node, fault: Fault): Finding => {
  const node = nodeAt(root, fault.path);
  const allowed = choices(fault.schema).map(String);
  const near = node?.kind === "scalar" ? closest(String(node.value), allowed) : undefined;
  return {
    code: "E0107",
    message: `${subject(fault)} must be ${expectation(fault.schema)}, got ${got(node)}`,
    span: valueSpan(root, fault.path),
    ...optional(near === undefined ? undefined : `did you mean ${backticked(near)}?`),
  };
};

const explainRange = (root: Node, fault: Fault): Finding => ({
  code: "E0106",
  message: `${subject(fault)} must be ${expectation(fault.schema)}, got ${got(nodeAt(root, fault.path))}`,
  span: spanOf(root, fault.path),
});

const explainSize = (root: Node, fault: Fault): Finding => ({
  code: "E0106",
  message: `${subject(fault)} must be at least ${String(fault.schema["minSize"])}, got ${got(nodeAt(root, fault.path)).replace(/^text "(.*)"$/, "$1")}`,
  span: spanOf(root, fault.path),
});

const OTHER: Readonly<Record<string, string>> = {
  minProperties: "must not be empty",
  maxProperties: "has too many entries",
  minItems: "must not be empty",
  maxItems: "has too many entries",
  minLength: "must not be empty",
  maxLength: "is too long",
  uniqueItems: "holds one value twice",
  pattern: "does not have the form that is asked for",
  oneOf: "has none of the allowed forms",
  anyOf: "has none of the allowed forms",
};

const explainOther = (root: Node, fault: Fault): Finding => {
  const example = exampleOf(fault.schema);
  const help = example === undefined ? String(fault.schema["description"] ?? "") : `such as ${example}`;
  return {
    code: "E0129",
    message: `${subject(fault)} ${OTHER[fault.keyword] ?? "is not allowed here"}`,
    span: spanOf(root, fault.path),
    ...(help === "" ? {} : { help }),
  };
};

const EXPLAINERS: Readonly<Record<string, (root: Node, fault: Fault) => Finding>> = {
  type: explainType,
  additionalProperties: explainUnknownKey,
  required: explainMissing,
  format: explainFormat,
  enum: explainChoice,
  const: explainChoice,
  minimum: explainRange,
  maximum: explainRange,
  exclusiveMinimum: explainRange,
  exclusiveMaximum: explainRange,
  minSize: explainSize,
  discriminator: explainKind,
};

const explainOne = (root: Node, fault: Fault): Finding => {
  if (fault.path.length === 1 && fault.path[0] === "version")
    return explainVersion(root, nodeAt(root, fault.path), valueSpan(root, fault.path));
  return (EXPLAINERS[fault.keyword] ?? explainOther)(root, fault);
};

/** A newer version is no fault of the schema: the number is right and unknown. */
const checkVersion = (root: Node): readonly Finding[] => {
  const node = nodeAt(root, ["version"]);
  const known = node?.kind !== "scalar" || typeof node.value !== "number" || !Number.isInteger(node.value) || node.value === KNOWN_VERSION;
  return known ? [] : [explainVersion(root, node, node.span)];
};

export const explain = (root: Node, faults: readonly Fault[]): readonly Finding[] => [
  ...checkVersion(root),
  ...withoutRepeated(faults).map((fault) => explainOne(root, fault)),
];
