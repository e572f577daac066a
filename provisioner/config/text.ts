/** The text of one file: where an offset lies, and how a piece of it is safely shown. */
import { lookAlike } from "./lookalike.ts";
import { maskSecrets } from "./mask.ts";

/** UTF-16 offsets, `end` exclusive. */
export type Span = { readonly start: number; readonly end: number };

/** 1-based lines and columns counted in characters, a tab is one; `endCol` is exclusive. */
export type Place = {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly endLine: number;
  readonly endCol: number;
};

export type Text = {
  readonly file: string;
  readonly content: string;
  readonly place: (span: Span) => Place;
  readonly line: (offset: number) => number;
};

const lineStarts = (content: string): readonly number[] => {
  const starts = [0];
  for (let at = content.indexOf("\n"); at >= 0; at = content.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
};

/** Counts code points without making them: a line may be long, and findings many. */
const characters = (content: string, start: number, end: number): number => {
  let count = 0;
  for (let at = start; at < end; at += 1) if ((content.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  return count;
};

/** Index of the last start that is not behind the offset. */
const findLine = (starts: readonly number[], offset: number): number => {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
};

export const makeText = (file: string, content: string): Text => {
  const starts = lineStarts(content);
  const locate = (offset: number) => {
    const line = findLine(starts, offset);
    return { line: line + 1, col: characters(content, starts[line] ?? 0, offset) + 1 };
  };
  return {
    file,
    content,
    line: (offset) => findLine(starts, offset) + 1,
    place: ({ start, end }) => {
      const from = locate(Math.min(start, content.length));
      const to = locate(Math.min(Math.max(end, start), content.length));
      return { file, line: from.line, col: from.col, endLine: to.line, endCol: to.col };
    },
  };
};

/** Characters that a terminal would act on or a reader would not see. */
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udfff](?![\udc00-\udfff])|[\u{e0000}-\u{e0fff}]/gu;

export const showCharacter = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** The same text with everything unseen as `\u202E`. */
export const showText = (text: string): string => text.replaceAll(UNSEEN, showCharacter);

/** In a word that mixes scripts, letters of the other one are written out. */
const showMixed = (text: string): string =>
  /[A-Za-z]/.test(text)
    ? [...text].map((character) => (lookAlike(character) === undefined ? character : showCharacter(character))).join("")
    : text;

const LONGEST = 60;

/** A value inside a message: secrets masked, nothing unseen, never long. */
export const showValue = (value: string): string => {
  const shown = [...showMixed(showText(maskSecrets(value)))];
  return shown.length <= LONGEST ? shown.join("") : `${shown.slice(0, LONGEST - 1).join("")}…`;
};

export const backticked = (value: string): string => `\`${showValue(value)}\``;
export const quoted = (value: string): string => `"${showValue(value)}"`;
