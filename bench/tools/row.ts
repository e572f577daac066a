/** What a benchmark says, and how it is printed. Pure. */

export type Unit = "µs" | "ms" | "s" | "MiB" | "count" | "/s" | "MiB/s";

/** One measured thing; values are medians in `unit`. */
export type Row = {
  readonly what: string;
  readonly unit: Unit;
  readonly croft: number;
  /** What croft is compared with, measured in the same run. */
  readonly other?: { readonly name: string; readonly value: number };
  /** Upper limits: `value` in `unit`, `ratio` of croft to the other. `least`: a lower limit of that ratio. */
  readonly goal?: { readonly value?: number; readonly ratio?: number; readonly least?: number };
  /** What the numbers include or leave out. */
  readonly note?: string;
};

/** Something this benchmark needs is not here; the message says what. */
export class Skip extends Error {}

/** @throws RangeError without values */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  if (low === undefined || high === undefined) throw new RangeError("no values");
  return (low + high) / 2;
};

const DIGITS: Readonly<Record<Unit, (value: number) => number>> = {
  µs: () => 0,
  ms: (value) => (value < 10 ? 1 : 0),
  s: () => 2,
  MiB: () => 0,
  count: () => 0,
  "/s": () => 0,
  "MiB/s": () => 0,
};

export const formatValue = (value: number, unit: Unit): string => {
  const text = value.toFixed(DIGITS[unit](value));
  return unit === "count" ? text : `${text} ${unit}`;
};

const ratioOf = ({ croft, other }: Row): number | undefined => (other === undefined ? undefined : croft / other.value);

/** Undefined where the row has no goal. */
export const meetsGoal = (row: Row): boolean | undefined => {
  if (row.goal === undefined) return undefined;
  const { value = Infinity, ratio = Infinity, least = 0 } = row.goal;
  return row.croft <= value && (ratio === Infinity || (ratioOf(row) ?? Infinity) <= ratio) && (ratioOf(row) ?? 0) >= least;
};

const goalText = ({ goal, unit }: Row): string =>
  [
    ...(goal?.value === undefined ? [] : [`≤ ${formatValue(goal.value, unit)}`]),
    ...(goal?.ratio === undefined ? [] : [`≤ ${goal.ratio}×`]),
    ...(goal?.least === undefined ? [] : [`≥ ${goal.least}×`]),
  ].join(", ");

const VERDICTS = new Map([
  [true, "met"],
  [false, "MISSED"],
]);

const cellsOf = (row: Row): readonly string[] => {
  const ratio = ratioOf(row);
  return [
    row.what,
    formatValue(row.croft, row.unit),
    row.other === undefined ? "" : `${formatValue(row.other.value, row.unit)} ${row.other.name}`,
    ratio === undefined ? "" : `${ratio.toFixed(ratio < 0.1 ? 3 : 2)}×`,
    goalText(row),
    VERDICTS.get(meetsGoal(row) as boolean) ?? "",
  ];
};

const HEAD = ["what", "croft", "against", "ratio", "goal", ""] as const;

/** Columns as wide as they must be; notes follow, numbered as the rows that have them. */
export const renderTable = (rows: readonly Row[]): string => {
  const notes = [...new Set(rows.flatMap(({ note }) => (note === undefined ? [] : [note])))];
  const mark = ({ note }: Row): string => (note === undefined ? "" : ` [${notes.indexOf(note) + 1}]`);
  const table = [HEAD, ...rows.map((row) => cellsOf({ ...row, what: `${row.what}${mark(row)}` }))];
  const widths = HEAD.map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...notes.map((note, index) => `  [${index + 1}] ${note}`)].join("\n");
};
