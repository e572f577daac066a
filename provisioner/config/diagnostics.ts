/** Problems as text (the house form, with code frames) or as JSON. Same problems, same bytes. */
import { maskInPlace } from "./mask.ts";
import type { Problem } from "./problem.ts";
import { showText, type Place } from "./text.ts";

export type RenderOptions = {
  readonly color?: boolean;
  /** Every problem, not only the first 20. */
  readonly all?: boolean;
  /** One JSON array instead of text. */
  readonly json?: boolean;
};

/** Content by file name, as problems name the file. */
export type Sources = Readonly<Record<string, string>>;

const MOST_SHOWN = 20;
const WIDEST = 120;
const BEFORE = 60;

type Paint = (style: "bold" | "red" | "yellow" | "blue", text: string) => string;
const STYLES = { bold: "1", red: "1;31", yellow: "1;33", blue: "1;34" } as const;
const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;

/** Lines of each file, secrets masked: made once for all problems. */
const linesOf = (sources: Sources): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(sources).map(([file, content]) => [file, maskInPlace(content).split("\n")]));

type Frame = { readonly text: string; readonly before: number; readonly width: number };

/** A line as shown: tabs as one space, nothing unseen, cut around the carets where it is long. */
const cutFrame = (line: string, place: Place): Frame => {
  const characters = [...line.replace(/\r$/, "")];
  const end = place.endLine === place.line ? place.endCol - 1 : characters.length;
  const from = characters.length <= WIDEST ? 0 : Math.max(0, place.col - 1 - BEFORE);
  const visible = (start: number, stop: number): string => showText(characters.slice(start, stop).join("").replaceAll("\t", " "));
  const head = (from > 0 ? "…" : "") + visible(from, place.col - 1);
  const stop = Math.min(end, from + WIDEST);
  const marked = visible(place.col - 1, stop);
  const cut = characters.length > from + WIDEST;
  return {
    text: head + marked + visible(stop, from + WIDEST) + (cut ? "…" : ""),
    before: [...head].length,
    width: Math.max(1, [...marked].length),
  };
};

const renderFrame = (place: Place, line: string, sign: string, label: string | undefined, paint: Paint): readonly string[] => {
  const number = String(place.line).padStart(2);
  const gutter = paint("blue", `${" ".repeat(number.length)} |`);
  const { text, before, width } = cutFrame(line, place);
  const marks = sign.repeat(width) + (label === undefined ? "" : ` ${label}`);
  return [
    gutter,
    `${paint("blue", `${number} |`)} ${text}`.trimEnd(),
    `${gutter} ${" ".repeat(before)}${paint(sign === "^" ? "red" : "blue", marks)}`,
  ];
};

const where = ({ file, line, col }: Place): string => `${showText(file)}:${line}:${col}`;

const renderOne = (problem: Problem, lines: ReadonlyMap<string, readonly string[]>, paint: Paint): string => {
  const lineOf = ({ file, line }: Place): string => lines.get(file)?.[line - 1] ?? "";
  const title = paint(problem.severity === "error" ? "red" : "yellow", `${problem.severity}[${problem.code}]`);
  const related = problem.related.flatMap(({ place, label }) => [
    `  ${paint("blue", ":::")} ${where(place)} ${label}`,
    ...renderFrame(place, lineOf(place), "-", undefined, paint),
  ]);
  return [
    `${title}: ${paint("bold", problem.message)}`,
    `  ${paint("blue", "-->")} ${where(problem.place)}`,
    ...renderFrame(problem.place, lineOf(problem.place), "^", problem.hint, paint),
    ...related,
    ...(problem.help === undefined ? [] : [`   ${paint("blue", "=")} help: ${problem.help}`]),
  ].join("\n");
};

const renderJson = (problems: readonly Problem[]): string => {
  const shown = problems.map(({ code, severity, message, place: { file, line, col, endLine, endCol }, hint, help, related }) => ({
    code,
    severity,
    file,
    line,
    col,
    endLine,
    endCol,
    message,
    hint: hint ?? help ?? null,
    ...(help === undefined || hint === undefined ? {} : { help }),
    ...(related.length === 0 ? {} : { related: related.map(({ place, label }) => ({ ...place, label })) }),
  }));
  return `${JSON.stringify(shown, null, 2)}\n`;
};

const compare = (a: Problem, b: Problem): number =>
  (a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : 0) || a.place.line - b.place.line || a.place.col - b.place.col;

/** Text ends with a line end; nothing to say is an empty text. */
export const renderProblems = (problems: readonly Problem[], sources: Sources, options: RenderOptions = {}): string => {
  const sorted = problems.toSorted(compare);
  if (options.json === true) return renderJson(sorted);
  if (sorted.length === 0) return "";
  const paint = painter(options.color === true);
  const shown = options.all === true ? sorted : sorted.slice(0, MOST_SHOWN);
  const lines = linesOf(sources);
  const more = sorted.length - shown.length;
  const blocks = shown.map((problem) => renderOne(problem, lines, paint));
  return `${[...blocks, ...(more > 0 ? [`and ${more} more (--all shows them)`] : [])].join("\n\n")}\n`;
};
