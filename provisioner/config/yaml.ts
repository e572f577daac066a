/** The one door of the `yaml` library: tokens, a positioned tree, and text again. */
import { CST, isAlias, isMap, isScalar, isSeq, Lexer, parseDocument, stringify } from "yaml";
import type { Alias, Document, Scalar, YAMLMap } from "yaml";
import type { Finding } from "./problem.ts";
import type { Span } from "./text.ts";
import { backticked } from "./text.ts";
import type { Entry, Node, Plain, ScalarNode } from "./tree.ts";

export type Token = { readonly type: string; readonly offset: number; readonly text: string };

const MARKS: ReadonlySet<string> = new Set(["\u0002", "\u0018", "\u001f"]);

/** Flat tokens by position, at most so many; reads any depth without recursion. */
export const tokensOf = (text: string, most: number): readonly Token[] => {
  const tokens: Token[] = [];
  let offset = 0;
  let scalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (MARKS.has(lexeme)) {
      scalar = lexeme === "\u001f";
      continue;
    }
    tokens.push({ type: scalar ? "scalar" : (CST.tokenType(lexeme) ?? "scalar"), offset, text: lexeme });
    offset += lexeme.length;
    scalar = false;
    if (tokens.length >= most) break;
  }
  return tokens;
};

export type SyntaxFault = { readonly code: string; readonly message: string; readonly span: Span };

export type Parsed =
  | { readonly ok: true; readonly root: Node | undefined; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly fault: SyntaxFault };

/** Nodes that aliases may add before the file is refused. */
const MOST_EXPANDED = 10_000;

type Context = {
  readonly text: string;
  readonly findings: Finding[];
  readonly anchors: Map<string, { readonly node: Node; readonly size: number } | "open">;
  expanded: number;
};

type Sized = { readonly node: Node; readonly size: number };

const nothing = (span: Span): Sized => ({ node: { kind: "scalar", span, value: null, source: "" }, size: 1 });

const spanOfNode = (node: { readonly range?: readonly [number, number, number] | null }, fallback: Span): Span =>
  node.range ? { start: node.range[0], end: Math.max(node.range[1], node.range[0]) } : fallback;

/** Where the value's characters start in the file, if they stand there unchanged. */
const textStart = (text: string, span: Span, value: unknown): number | undefined => {
  if (typeof value !== "string") return undefined;
  const at = /^["']/.test(text.slice(span.start, span.start + 1)) ? span.start + 1 : span.start;
  return text.startsWith(value, at) ? at : undefined;
};

const isInexact = (value: unknown, source: string): boolean =>
  typeof value === "number" && Number.isFinite(value) && /^[-+]?\d+$/.test(source) && !Number.isSafeInteger(value);

const convertScalar = (scalar: Scalar, span: Span, context: Context): ScalarNode => {
  const raw = scalar.value;
  const source = scalar.source ?? String(raw ?? "");
  if (isInexact(raw, source))
    context.findings.push({
      code: "E0121",
      message: `${backticked(source)} is too large to be an exact number`,
      span,
      hint: `quote it: "${source.slice(0, 40)}"`,
    });
  const value = typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean" ? raw : null;
  const textAt = textStart(context.text, span, value);
  return { kind: "scalar", span, value, source, ...(textAt === undefined ? {} : { textAt }) };
};

const convertAlias = (alias: Alias, span: Span, context: Context): Sized => {
  const known = context.anchors.get(alias.source);
  if (known === undefined || known === "open") {
    const message =
      known === "open" ? `alias ${backticked(alias.source)} contains itself` : `alias ${backticked(alias.source)} has no anchor before it`;
    context.findings.push({ code: "E0113", message, span });
    return nothing(span);
  }
  const before = context.expanded;
  context.expanded += known.size;
  if (before <= MOST_EXPANDED && context.expanded > MOST_EXPANDED)
    context.findings.push({
      code: "E0113",
      message: `aliases expand to more than ${MOST_EXPANDED} values: refused`,
      span,
      help: "write the values out, or fewer of them",
    });
  return known;
};

const keyText = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value ?? ""));
};

const convertPair = (
  pair: YAMLMap["items"][number],
  parent: Span,
  context: Context,
): { readonly entry: Entry; readonly size: number } | undefined => {
  const keySpan = spanOfNode((pair.key ?? {}) as { range?: [number, number, number] }, parent);
  const key = keyText(pair.key);
  const { node, size } = convert(pair.value, { start: keySpan.start, end: keySpan.end }, context);
  if (key !== undefined && key !== "<<") return { entry: { key, keySpan, value: node }, size };
  const finding: Finding =
    key === "<<"
      ? { code: "E0114", message: "merge keys are not supported", span: keySpan, hint: "write the keys out" }
      : { code: "E0116", message: "a key must be one word of text", span: keySpan };
  context.findings.push(finding);
  return undefined;
};

const convertMap = (map: YAMLMap, span: Span, context: Context): Sized => {
  const entries = new Map<string, Entry>();
  let size = 1;
  for (const pair of map.items) {
    const converted = convertPair(pair, span, context);
    if (converted === undefined) continue;
    size += converted.size;
    const { key, keySpan } = converted.entry;
    const first = entries.get(key);
    if (first === undefined) entries.set(key, converted.entry);
    else
      context.findings.push({
        code: "E0105",
        message: `key ${backticked(key)} is defined twice; YAML would keep one silently`,
        span: keySpan,
        related: [{ span: first.keySpan, label: "first defined here" }],
      });
  }
  return { node: { kind: "map", span, flow: context.text[span.start] === "{", entries }, size };
};

const convertList = (items: readonly unknown[], span: Span, context: Context): Sized => {
  const converted = items.map((item) => convert(item, span, context));
  const size = converted.reduce((sum, item) => sum + item.size, 1);
  return { node: { kind: "list", span, flow: context.text[span.start] === "[", items: converted.map(({ node }) => node) }, size };
};

const convertPlain = (value: unknown, span: Span, context: Context): Sized => {
  if (isMap(value)) return convertMap(value, span, context);
  if (isSeq(value)) return convertList(value.items, span, context);
  return isScalar(value) ? { node: convertScalar(value, span, context), size: 1 } : nothing(span);
};

const convert = (value: unknown, fallback: Span, context: Context): Sized => {
  const span = spanOfNode((value ?? {}) as { range?: [number, number, number] }, fallback);
  if (isAlias(value)) return convertAlias(value, span, context);
  const anchor = isMap(value) || isSeq(value) || isScalar(value) ? value.anchor : undefined;
  if (anchor === undefined) return convertPlain(value, span, context);
  context.anchors.set(anchor, "open");
  const sized = convertPlain(value, span, context);
  context.anchors.set(anchor, sized);
  return sized;
};

const faultOf = (document: Document.Parsed): SyntaxFault | undefined => {
  const error = document.errors[0];
  return error && { code: error.code, message: error.message, span: { start: error.pos[0], end: error.pos[1] } };
};

/** One document to a tree. Size and depth are the caller's to check first. */
export const parseTree = (text: string): Parsed => {
  const document = parseDocument(text, {
    version: "1.2",
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
    logLevel: "silent",
  });
  const fault = faultOf(document);
  if (fault !== undefined) return { ok: false, fault };
  const context: Context = { text, findings: [], anchors: new Map(), expanded: 0 };
  const root = document.contents === null ? undefined : convert(document.contents, { start: 0, end: 0 }, context).node;
  return { ok: true, root, findings: context.findings };
};

/** YAML text of plain data, keys in their order, no line folding. */
export const renderYaml = (value: Plain): string => stringify(value, { version: "1.2", lineWidth: 0, aliasDuplicateObjects: false });
