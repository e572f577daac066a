/** Characters that look like others or like nothing. */
import type { Finding } from "./problem.ts";
import { lookAlike } from "./lookalike.ts";
import { showCharacter } from "./text.ts";
import type { Token } from "./yaml.ts";

/** Turn the direction of text around: never, not even in comments. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]|\r(?!\n)/u;
const INVISIBLE =
  /[\u00ad\u034f\u115f\u1160\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u;
const ODD_SPACE = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;

type Kind = { readonly word: string; readonly pattern: RegExp; readonly where: (token: Token) => boolean };

const QUOTED = new Set(["single-quoted-scalar", "double-quoted-scalar", "comment"]);

const KINDS: readonly Kind[] = [
  { word: "invisible character", pattern: DIRECTION, where: () => true },
  { word: "control character", pattern: CONTROL, where: () => true },
  { word: "invisible character", pattern: INVISIBLE, where: ({ type }) => type !== "comment" },
  { word: "unusual space", pattern: ODD_SPACE, where: ({ type }) => !QUOTED.has(type) },
];

const MOST_FINDINGS = 1_000;

const found = (token: Token, word: string, match: RegExpExecArray): Finding => {
  const start = token.offset + match.index;
  const shown = showCharacter(match[0]).replace("\\u", "U+");
  return { code: "E0110", message: `${word} ${shown}`, span: { start, end: start + match[0].length }, hint: "type it again by hand" };
};

const inToken = (token: Token): readonly Finding[] => {
  const findings: Finding[] = [];
  for (const { word, pattern } of KINDS.filter(({ where }) => where(token)))
    for (const match of token.text.matchAll(new RegExp(pattern, "gu")))
      if (findings.push(found(token, word, match)) >= MOST_FINDINGS) return findings;
  return findings;
};

/** True for nearly every file, and cheap to ask. */
// eslint-disable-next-line no-control-regex
const isPlainAscii = (text: string): boolean => /^[\t\n\u0020-\u007e]*$/.test(text);

export const checkCharacters = (text: string, tokens: readonly Token[]): readonly Finding[] => {
  if (isPlainAscii(text.replaceAll("\r\n", "\n"))) return [];
  const findings = tokens.flatMap(inToken).slice(0, MOST_FINDINGS);
  const bySpan = new Map(findings.toReversed().map((finding) => [finding.span.start, finding]));
  return [...bySpan.values()].toReversed();
};

/** A line end of another time: no file with one is read further, and the lexer would take its time over many. */
export const checkReturns = (text: string): readonly Finding[] =>
  /\r(?!\n)/.test(text) ? checkCharacters(text, [{ type: "scalar", offset: 0, text }]) : [];

/** The first character of a name that only looks like ASCII. */
export const findConfusable = (name: string): { readonly at: number; readonly message: string } | undefined => {
  const character = [...name].find((candidate) => lookAlike(candidate) !== undefined);
  if (character === undefined) return undefined;
  const shown = showCharacter(character).replace("\\u", "U+");
  return { at: name.indexOf(character), message: `confusable character ${shown}, it looks like \`${lookAlike(character)}\`` };
};
