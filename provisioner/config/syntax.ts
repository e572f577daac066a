/** What the parser refused, said so that somebody who never read the YAML specification can mend it. */
import type { Finding } from "./problem.ts";
import type { Span } from "./text.ts";
import { backticked } from "./text.ts";
import type { SyntaxFault } from "./yaml.ts";

type Line = { readonly start: number; readonly text: string; readonly number: number };

const linesUpTo = (content: string, offset: number): readonly Line[] => {
  const end = content.indexOf("\n", offset);
  let start = 0;
  return content
    .slice(0, end < 0 ? content.length : end)
    .split("\n")
    .map((text, index) => {
      const line = { start, text, number: index + 1 };
      start += text.length + 1;
      return line;
    });
};

const indentOf = (text: string): number => /^ */.exec(text)?.[0].length ?? 0;
const isLoud = ({ text }: Line): boolean => /^\s*[^\s#]/.test(text);
const wordOf = (text: string): string => /^\s*(?:-\s+)*([^\s:]+:?|\S+)/.exec(text)?.[1] ?? text.trim();

/** The neighbour that a wrongly indented line most likely belongs beside. */
const findNeighbour = (lines: readonly Line[], indent: number): Line | undefined => {
  const above = lines.slice(0, -1).filter(isLoud);
  const next = above.findLast((line) => indentOf(line.text) !== indent);
  if (next === undefined || indentOf(next.text) < indent) return next;
  const outer = above.findLastIndex((line) => indentOf(line.text) < indent);
  return (
    above
      .slice(outer + 1)
      .findLast((line) => indentOf(line.text) === Math.min(...above.slice(outer + 1).map(({ text }) => indentOf(text)))) ?? next
  );
};

/**
 * The parser stops at the first line that does not fit the ones above it; where a single line above fits none of those
 * around it, that one is the stray.
 */
const findStray = (lines: readonly Line[], line: Line): Line | undefined => {
  const indent = indentOf(line.text);
  const loud = lines.filter(isLoud);
  const at = loud.indexOf(line);
  const outer = loud.slice(0, at).findLastIndex(({ text }) => indentOf(text) < indent);
  const end = loud.findIndex(({ text }, index) => index > at && indentOf(text) < indent);
  const above = loud.slice(outer + 1, at);
  const level = Math.min(...above.map(({ text }) => indentOf(text)));
  const same = loud.slice(at, end < 0 ? undefined : end).filter(({ text }) => indentOf(text) === indent);
  const first = above[0];
  const alone = first !== undefined && indentOf(first.text) === level && above.filter(({ text }) => indentOf(text) === level).length === 1;
  return alone && level > indent && same.length > 1 ? first : undefined;
};

/** `- text` right above a key of the same column. */
const findLooseItem = (lines: readonly Line[], line: Line): Finding | undefined => {
  const above = lines.slice(0, lines.indexOf(line)).findLast(isLoud);
  const isItem = (text: string): boolean => /^ *-(?:\s|$)/.test(text);
  if (above === undefined || indentOf(above.text) !== indentOf(line.text) || !isItem(above.text) || isItem(line.text)) return undefined;
  const start = above.start + indentOf(above.text);
  return {
    code: "E0118",
    message: "a list item stands among keys",
    span: { start, end: start + Math.max(1, above.text.trim().length) },
    help: "items of one list stand below one another, below the list's key",
  };
};

const showStray = (stray: Line, line: Line): Finding => {
  const column = indentOf(line.text);
  const start = stray.start + indentOf(stray.text);
  return {
    code: "E0118",
    message: `this item does not line up with ${backticked(wordOf(line.text))} in line ${line.number}`,
    span: { start, end: start + Math.max(1, wordOf(stray.text).length) },
    hint: `expected column ${column + 1}`,
    related: [{ span: { start: line.start + column, end: line.start + column + wordOf(line.text).length }, label: "the line below it" }],
  };
};

const misaligned = (content: string, offset: number): Finding => {
  const all = linesUpTo(content, content.length);
  const lines = all.filter(({ start }) => start <= offset);
  const line = lines.at(-1) ?? { start: 0, text: "", number: 1 };
  const item = findLooseItem(all, line);
  if (item !== undefined) return item;
  const stray = findStray(all, line);
  if (stray !== undefined) return showStray(stray, line);
  const indent = indentOf(line.text);
  const start = line.start + indent;
  const span: Span = { start, end: start + Math.max(1, wordOf(line.text).length) };
  const neighbour = findNeighbour(lines, indent);
  if (neighbour === undefined)
    return { code: "E0118", message: "this line is indented, but nothing stands above it", span, hint: "expected column 1" };
  const column = indentOf(neighbour.text);
  return {
    code: "E0118",
    message: `this item does not line up with ${backticked(wordOf(neighbour.text))} in line ${neighbour.number}`,
    span,
    hint: `expected column ${column + 1}`,
    related: [
      {
        span: { start: neighbour.start + column, end: neighbour.start + column + wordOf(neighbour.text).length },
        label: "the line above it",
      },
    ],
  };
};

/** `key: text` followed by a deeper line: the parser sees one long key. */
const nestedKey = (content: string, fault: SyntaxFault): Finding => {
  const lineEnd = content.indexOf("\n", fault.span.start);
  const rest = content.slice(fault.span.start, lineEnd < 0 ? undefined : lineEnd);
  if (/:(?:\s|$)/.test(rest))
    return {
      code: "E0116",
      message: "a text with `: ` in it must stand in quotes",
      span: { start: fault.span.start, end: fault.span.start + Math.max(1, rest.trimEnd().length) },
    };
  const next = /^\s*?\n?[^]*?\S/.exec(content.slice(lineEnd + 1))?.[0].length ?? 1;
  return misaligned(content, Math.min(lineEnd + next, content.length - 1));
};

const looseBinding = (content: string, { span }: SyntaxFault): Finding | undefined => {
  if (content.slice(span.start - 1, span.start + 1) !== "${") return undefined;
  const end = content.indexOf("}", span.start);
  const text = content.slice(span.start - 1, end < 0 ? span.end : end + 1);
  return {
    code: "E0116",
    message: "inside `{ }` a binding must stand in quotes",
    span: { start: span.start - 1, end: span.start - 1 + text.length },
    hint: `write "${text.slice(0, 60)}"`,
  };
};

const SENTENCES: Readonly<Record<string, string>> = {
  BAD_ALIAS: "an alias is `*` and a name",
  BAD_DQ_ESCAPE: "this escape does not exist in double quotes",
  BAD_SCALAR_START: "a text cannot start with this character",
  BLOCK_IN_FLOW: "inside `{ }` and `[ ]` nothing may be written as an indented block",
  COMMENT_SPACE: "a comment needs a space before its `#`",
  KEY_OVER_1024_CHARS: "a key is longer than 1024 characters",
  MISSING_CHAR: "something is missing here, often `: ` after a key",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line",
  UNEXPECTED_TOKEN: "this does not belong here",
  MULTIPLE_ANCHORS: "a value has one anchor at most",
  BAD_DIRECTIVE: "directives are not allowed",
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
};
const HINTS: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: "use single quotes, or write `\\\\`",
  BAD_SCALAR_START: "put the text in quotes",
};

/** The finding for the parser's first fault; later ones mostly follow from it. */
export const explainSyntax = (fault: SyntaxFault, content: string): Finding => {
  const binding = looseBinding(content, fault);
  if (binding !== undefined) return binding;
  const isFlow = fault.message.startsWith("Flow");
  const first = linesUpTo(content, content.length).find(isLoud);
  if (!isFlow && first !== undefined && indentOf(first.text) > 0 && fault.span.start > first.start) return misaligned(content, first.start);
  if (fault.code === "BAD_INDENT" && !isFlow) return misaligned(content, fault.span.start);
  if (fault.code === "BLOCK_AS_IMPLICIT_KEY") return nestedKey(content, fault);
  if (fault.code === "TAB_AS_INDENT")
    return { code: "E0117", message: "a tab is used for indentation", span: fault.span, hint: "use spaces (YAML forbids tabs)" };
  const hint = HINTS[fault.code];
  const message = isFlow
    ? "lines inside `{ }` and `[ ]` must be indented deeper than their key"
    : (SENTENCES[fault.code] ?? "this is not valid YAML");
  return { code: isFlow ? "E0118" : "E0116", message, span: fault.span, ...(hint === undefined ? {} : { hint }) };
};
