/** A parsed file as a tree whose every key and value knows where it stands. */
import type { Span } from "./text.ts";

export type Entry = { readonly key: string; readonly keySpan: Span; readonly value: Node };
export type MapNode = { readonly kind: "map"; readonly span: Span; readonly flow: boolean; readonly entries: ReadonlyMap<string, Entry> };
export type ListNode = { readonly kind: "list"; readonly span: Span; readonly flow: boolean; readonly items: readonly Node[] };
export type ScalarNode = {
  readonly kind: "scalar";
  readonly span: Span;
  readonly value: string | number | boolean | null;
  /** As written, without quotes. */
  readonly source: string;
  /** Offset in the file of the first character of `value`, where the two agree character by character. */
  readonly textAt?: number;
};
export type Node = MapNode | ListNode | ScalarNode;

export type Path = readonly (string | number)[];

export const childOf = (node: Node | undefined, key: string | number): Node | undefined => {
  if (node?.kind === "map") return node.entries.get(String(key))?.value;
  return node?.kind === "list" ? node.items[Number(key)] : undefined;
};

export const nodeAt = (root: Node | undefined, path: Path): Node | undefined =>
  path.reduce<Node | undefined>((node, key) => childOf(node, key), root);

export const entryAt = (root: Node, path: Path): Entry | undefined => {
  const parent = nodeAt(root, path.slice(0, -1));
  return parent?.kind === "map" ? parent.entries.get(String(path.at(-1))) : undefined;
};

export const entriesOf = (node: Node | undefined): readonly Entry[] => (node?.kind === "map" ? [...node.entries.values()] : []);

export const itemsOf = (node: Node | undefined): readonly Node[] => (node?.kind === "list" ? node.items : []);

/** A text and where it stands; undefined where the schema has already complained. */
export type Word = { readonly text: string; readonly node: ScalarNode };

export const wordAt = (node: Node | undefined, ...path: Path): Word | undefined => {
  const found = nodeAt(node, path);
  return found?.kind === "scalar" && typeof found.value === "string" ? { text: found.value, node: found } : undefined;
};

/** The file's span of a part of a scalar's value; the whole scalar where escapes stand between the two. */
export const spanInside = (node: ScalarNode, at: number, length: number): Span => {
  if (node.textAt === undefined) return node.span;
  return { start: node.textAt + at, end: node.textAt + at + Math.max(length, 1) };
};

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

export const toPlain = (node: Node): Plain => {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(toPlain);
  return Object.fromEntries(entriesOf(node).map(({ key, value }) => [key, toPlain(value)]));
};

/** Where a reader would look for a path: its value, or the nearest thing around it. */
export const spanOf = (root: Node, path: Path): Span => {
  const node = nodeAt(root, path);
  if (node !== undefined && (node.kind === "scalar" || path.length === 0)) return node.span;
  if (node !== undefined) return entryAt(root, path)?.keySpan ?? node.span;
  return spanOf(root, path.slice(0, -1));
};

/** The same where the value itself is wrong: one in brackets stands in few words and is shown, not its key. */
export const valueSpan = (root: Node, path: Path): Span => {
  const node = nodeAt(root, path);
  return node !== undefined && node.kind !== "scalar" && node.flow ? node.span : spanOf(root, path);
};
