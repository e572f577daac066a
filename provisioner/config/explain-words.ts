/** Words that explanations share. */
import type { Fault } from "./ajv.ts";
import { backticked, showValue } from "./text.ts";
import type { Node } from "./tree.ts";

export const optional = (hint: string | undefined): { readonly hint?: string } => (hint === undefined ? {} : { hint });

/** What stands there, as YAML understood it. */
export const got = (node: Node | undefined): string => {
  if (node === undefined || node.kind === "map") return "a map of keys";
  if (node.kind === "list") return "a list";
  if (node.value === null) return node.source === "" ? "nothing" : `${backticked(node.source)} (null)`;
  if (typeof node.value === "string") return `text "${showValue(node.value)}"`;
  return showValue(node.source);
};

export const subject = (fault: Fault): string => {
  const last = fault.path.at(-1);
  if (last === undefined) return "the file";
  return /^\d+$/.test(String(last)) ? "each entry of the list" : backticked(String(last));
};

export const exampleOf = (schema: unknown): string | undefined => {
  const { examples, const: constant } = (schema ?? {}) as { readonly examples?: readonly unknown[]; readonly const?: unknown };
  const example = constant ?? examples?.[0];
  return example === undefined ? undefined : typeof example === "object" ? JSON.stringify(example).replaceAll('"', "") : String(example);
};
