/** Rich text between what is stored (a Quill Delta) and what the editor shows. Pure: the editor's document comes in as a tree. */
import { Html, html } from "./html.ts";

export type Attributes = { readonly bold?: true; readonly italic?: true; readonly link?: string };
export type Op = { readonly insert: string; readonly attributes?: Attributes };
export type Delta = { readonly ops: readonly Op[] };

/** An element by its name in small letters, or text. */
export type Tree = { readonly text: string } | { readonly name: string; readonly href?: string | null; readonly children: readonly Tree[] };

const BLOCKS = new Set(["p", "div", "li", "h1", "h2", "h3", "h4", "blockquote", "ul", "ol", "pre", "section"]);
const BOLD = new Set(["b", "strong"]);
const ITALIC = new Set(["i", "em"]);
const SKIPPED = new Set(["script", "style", "template"]);
const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);
const KNOWN = new Set(["bold", "italic", "link"]);

/** Undefined for every address that is relative or of another kind, such as javascript: or data:. */
export function toSafeAddress(link: string): string | undefined {
  const address = /^[^\s@:/]+@[^\s@/]+$/.test(link) ? `mailto:${link}` : link;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return PROTOCOLS.has(url.protocol) ? url.href : undefined;
}

/** One paragraph for each line; an empty text is one empty paragraph, so that there is a place to write. */
export function toMarkup(delta: unknown): Html {
  const lines: Html[][] = [[]];
  for (const { insert, attributes } of getOps(delta)) {
    for (const [index, line] of insert.split("\n").entries()) {
      if (index > 0) lines.push([]);
      if (line !== "") lines.at(-1)?.push(renderSpan(line, attributes));
    }
  }
  if (lines.length > 1 && lines.at(-1)?.length === 0) lines.pop();
  return html`${lines.map((spans) => html`<p>${spans.length === 0 ? html`<br />` : spans}</p>`)}`;
}

/** Whether the text holds anything the editor would lose: pictures, headings, lists and the like. */
export function hasMore(delta: unknown): boolean {
  const ops: unknown = isRecord(delta) ? delta.ops : undefined;
  if (delta === null || delta === undefined || (Array.isArray(ops) && ops.length === 0)) return false;
  if (!Array.isArray(ops)) return true;
  return ops.some(
    (op) =>
      !isRecord(op) ||
      typeof op.insert !== "string" ||
      Object.keys(isRecord(op.attributes) ? op.attributes : {}).some((key) => !KNOWN.has(key)),
  );
}

/** The editor's content as stored: every paragraph ends with a line break. */
export function fromTree(nodes: readonly Tree[]): Delta {
  const lines: Op[][] = [[]];
  const endLine = (): void => {
    if (lines.at(-1)?.length !== 0) lines.push([]);
  };
  const walk = (node: Tree, attributes: Attributes): void => {
    if ("text" in node) return add(node.text.replace(/[\s\u00a0]+/g, " "), attributes);
    if (SKIPPED.has(node.name)) return;
    if (node.name === "br") return void lines.push([]);
    const block = BLOCKS.has(node.name);
    if (block) endLine();
    for (const child of node.children) walk(child, toAttributes(node, attributes));
    if (block) endLine();
  };
  const add = (text: string, attributes: Attributes): void => {
    const line = lines.at(-1) ?? [];
    const own = line.length === 0 ? text.trimStart() : text;
    if (own !== "") line.push({ insert: own, ...(Object.keys(attributes).length > 0 && { attributes }) });
  };
  nodes.forEach((node) => walk(node, {}));
  const written = lines.filter((line) => line.some(({ insert }) => insert.trim() !== ""));
  return { ops: merge(written.flatMap((line) => [...line, { insert: "\n" }])) };
}

function toAttributes(node: { readonly name: string; readonly href?: string | null }, inherited: Attributes): Attributes {
  const link = node.name === "a" && typeof node.href === "string" ? toSafeAddress(node.href) : undefined;
  return {
    ...inherited,
    ...(BOLD.has(node.name) && { bold: true as const }),
    ...(ITALIC.has(node.name) && { italic: true as const }),
    ...(link !== undefined && { link }),
  };
}

/** Neighbours that look the same are one. */
function merge(ops: readonly Op[]): readonly Op[] {
  const merged: Op[] = [];
  for (const op of ops) {
    const last = merged.at(-1);
    if (last !== undefined && JSON.stringify(last.attributes) === JSON.stringify(op.attributes))
      merged.splice(-1, 1, { ...last, insert: last.insert + op.insert });
    else merged.push(op);
  }
  return merged;
}

function getOps(delta: unknown): { readonly insert: string; readonly attributes: Readonly<Record<string, unknown>> }[] {
  const ops: readonly unknown[] = isRecord(delta) && Array.isArray(delta.ops) ? delta.ops : [];
  return ops.flatMap((op) => {
    if (!isRecord(op) || typeof op.insert !== "string") return [];
    return [{ insert: op.insert, attributes: isRecord(op.attributes) ? op.attributes : {} }];
  });
}

function renderSpan(text: string, { bold, italic, link }: Readonly<Record<string, unknown>>): Html {
  const strong = bold === true ? html`<strong>${text}</strong>` : html`${text}`;
  const slanted = italic === true ? html`<em>${strong}</em>` : strong;
  const address = typeof link === "string" ? toSafeAddress(link) : undefined;
  return address === undefined ? slanted : html`<a href="${address}">${slanted}</a>`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
