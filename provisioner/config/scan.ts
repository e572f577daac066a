/** What the flat tokens show before anything is parsed: depth, documents, tags, aliases, tabs, open quotes and brackets. */
import type { Finding } from "./problem.ts";
import { backticked } from "./text.ts";
import type { Token } from "./yaml.ts";

export const DEEPEST = 64;
const MOST_ALIASES = 100;

const span = (token: Token, length = token.text.length) => ({ start: token.offset, end: token.offset + Math.max(length, 1) });

const PAIRS: Readonly<Record<string, string>> = { "}": "{", "]": "[" };
const isOpen = ({ type }: Token): boolean => type === "flow-map-start" || type === "flow-seq-start";
const isClose = ({ type }: Token): boolean => type === "flow-map-end" || type === "flow-seq-end";

const tooDeep = (start: number): Finding => ({ code: "E0112", message: `nested deeper than ${DEEPEST}`, span: { start, end: start + 1 } });

/** Brackets: too many open ones, and the innermost that is never closed. */
const checkBrackets = (tokens: readonly Token[]): readonly Finding[] => {
  const open: Token[] = [];
  for (const token of tokens) {
    if (isOpen(token)) open.push(token);
    if (open.length > DEEPEST) return [tooDeep(token.offset)];
    if (isClose(token) && open.pop()?.text !== PAIRS[token.text])
      return [{ code: "E0116", message: `${backticked(token.text)} closes nothing that is open here`, span: span(token) }];
  }
  const last = open.at(-1);
  return last === undefined ? [] : [{ code: "E0119", message: `${backticked(last.text)} opened here is never closed`, span: span(last) }];
};

/** Columns opened by indentation and by `- ` and `? ` inside a line, whatever the line holds. */
export const checkIndentDepth = (text: string): readonly Finding[] => {
  const columns: number[] = [];
  let offset = 0;
  for (const line of text.split("\n")) {
    const lead = /^ *(?:[-?:][ \t]+)*/.exec(line)?.[0] ?? "";
    if (lead.length < line.trimEnd().length || lead.trim() !== "") {
      const starts = [...lead.matchAll(/[-?:]/g)].map((match) => match.index);
      for (const column of [...starts, lead.length]) {
        while ((columns.at(-1) ?? -1) >= column) columns.pop();
        columns.push(column);
        if (columns.length > DEEPEST) return [tooDeep(offset + Math.min(column, line.length))];
      }
    }
    offset += line.length + 1;
  }
  return [];
};

const LONGEST_LINE = 65_536;
const MOST_LINES = 100_000;

/** No person wrote such a line or so many, and a parser may take seconds for them. */
export const checkLines = (text: string, longest = LONGEST_LINE): readonly Finding[] => {
  let start = 0;
  for (let line = 1; start <= text.length; line += 1) {
    const end = text.indexOf("\n", start);
    const length = (end < 0 ? text.length : end) - start;
    const refuse = (message: string): readonly Finding[] => [{ code: "E0111", message, span: { start, end: start + 1 } }];
    if (line > MOST_LINES) return refuse(`the file has more than ${MOST_LINES} lines: refused`);
    if (length > longest) return refuse(`a line has ${length} characters, the limit is ${longest}`);
    start += length + 1;
  }
  return [];
};

/** Far above any site of one network; a file of nothing but signs costs as much memory as a thousand times its size. */
export const MOST_TOKENS = 100_000;

export const checkAmount = (tokens: readonly Token[]): readonly Finding[] => {
  const over = tokens[MOST_TOKENS];
  return over === undefined
    ? []
    : [{ code: "E0111", message: `the file has more than ${MOST_TOKENS} words and signs: refused`, span: span(over, 1) }];
};

const isClosed = ({ text }: Token): boolean => {
  if (text.length < 2) return false;
  if (text.startsWith("'")) return /^'(?:[^']|'')*'$/.test(text);
  return /^"(?:[^"\\]|\\[^])*"$/.test(text);
};

const checkQuotes = (tokens: readonly Token[]): readonly Finding[] =>
  tokens
    .filter((token) => (token.type === "double-quoted-scalar" || token.type === "single-quoted-scalar") && !isClosed(token))
    .map((token) => ({ code: "E0119", message: "the quote opened here is never closed", span: span(token, 1) }));

const EMPTY_TYPES = new Set(["comment", "newline", "space", "doc-start", "doc-end", "byte-order-mark", "directive-line"]);
export const hasContent = (tokens: readonly Token[]): boolean => tokens.some(({ type }) => !EMPTY_TYPES.has(type));

const checkDocuments = (tokens: readonly Token[]): readonly Finding[] => {
  const starts = tokens.filter(({ type }) => type === "doc-start");
  const first = tokens.findIndex(({ type }) => !EMPTY_TYPES.has(type));
  const start = tokens[first]?.offset ?? Infinity;
  const end = tokens.findIndex(({ type }, index) => type === "doc-end" && index > first);
  const after = end < 0 ? undefined : tokens.slice(end).find(({ type }) => !EMPTY_TYPES.has(type));
  const second = starts.find((token, index) => index > 0 || token.offset > start) ?? after;
  if (second === undefined) return [];
  const count = Math.max(2, starts.length);
  return [
    {
      code: "E0115",
      message: `the file holds ${count} documents`,
      span: span(second),
      help: "croft reads one document; keep one file per site",
    },
  ];
};

const REFUSED: Readonly<Record<string, string>> = { tag: "tags are not allowed", "directive-line": "directives are not allowed" };

const checkTags = (tokens: readonly Token[]): readonly Finding[] =>
  tokens
    .filter(({ type }) => Object.hasOwn(REFUSED, type))
    .map((token) => ({ code: "E0114", message: `${REFUSED[token.type]}`, span: span(token), hint: "remove it" }));

const checkAliases = (tokens: readonly Token[]): readonly Finding[] =>
  (
    [
      ["alias", "aliases"],
      ["anchor", "anchors"],
    ] as const
  ).flatMap(([type, plural]): readonly Finding[] => {
    const over = tokens.filter((token) => token.type === type)[MOST_ALIASES];
    return over === undefined
      ? []
      : [{ code: "E0113", message: `more than ${MOST_ALIASES} ${plural}: refused`, span: span(over), help: "write the values out" }];
  });

const checkTabs = (tokens: readonly Token[]): readonly Finding[] => {
  let depth = 0;
  const findings: Finding[] = [];
  tokens.forEach((token, index) => {
    if (isOpen(token)) depth += 1;
    if (isClose(token)) depth -= 1;
    const before = tokens[index - 1];
    const atLineStart = before === undefined || before.type === "newline";
    const next = tokens[index + 1];
    if (depth > 0 || !atLineStart || token.type !== "space" || next === undefined || next.type === "newline") return;
    const tab = token.text.indexOf("\t");
    if (tab >= 0)
      findings.push({
        code: "E0117",
        message: "a tab is used for indentation",
        span: { start: token.offset + tab, end: token.offset + tab + 1 },
        hint: "use spaces (YAML forbids tabs)",
      });
  });
  return findings;
};

/** Stops a parse: everything after these would be guessing. */
export const scan = (tokens: readonly Token[]): readonly Finding[] => {
  const depth = checkBrackets(tokens);
  const quotes = checkQuotes(tokens);
  const brackets = quotes.length > 0 ? [] : depth;
  return [...quotes, ...brackets, ...checkDocuments(tokens), ...checkTags(tokens), ...checkAliases(tokens), ...checkTabs(tokens)];
};
