/** Rich text as the editor stores it (a list of inserts) into paragraphs, links and emphasis, and nothing else. */
import { Html, html } from "./html.ts";

const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);

/** One Html for each paragraph. Anything that is not such a text gives none. */
export function toParagraphs(delta: unknown): Html[] {
  const paragraphs: Html[][] = [[]];
  for (const { text, attributes } of getInserts(delta)) {
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) paragraphs.push([]);
      if (line !== "") paragraphs.at(-1)?.push(renderSpan(line, attributes));
    }
  }
  return paragraphs.filter((spans) => spans.some((span) => span.markup.trim() !== "")).map((spans) => html`<p>${spans}</p>`);
}

type Insert = { readonly text: string; readonly attributes: Readonly<Record<string, unknown>> };

function getInserts(delta: unknown): Insert[] {
  const ops = isRecord(delta) && Array.isArray(delta.ops) ? delta.ops : [];
  return ops.flatMap((op: unknown) => {
    if (!isRecord(op) || typeof op.insert !== "string") return [];
    return [{ text: op.insert, attributes: isRecord(op.attributes) ? op.attributes : {} }];
  });
}

function renderSpan(text: string, { bold, italic, link }: Insert["attributes"]): Html {
  const plain = html`${text}`;
  const strong = bold === true ? html`<strong>${plain}</strong>` : plain;
  const slanted = italic === true ? html`<em>${strong}</em>` : strong;
  const address = typeof link === "string" ? toSafeAddress(link) : undefined;
  return address === undefined ? slanted : html`<a href="${address}" rel="noopener noreferrer">${slanted}</a>`;
}

/** Undefined for every address that is relative or of another kind, such as javascript: or data:. */
export function toSafeAddress(link: string): string | undefined {
  if (!URL.canParse(link)) return undefined;
  const url = new URL(link);
  return PROTOCOLS.has(url.protocol) ? url.href : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
