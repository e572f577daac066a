/** Sizes (`512MiB`, bytes inside) and durations (`35s`, seconds inside) as people write them. */

/** What is wrong with a text: `at` and `length` count UTF-16 units inside it. */
export type Defect = { readonly message: string; readonly at: number; readonly length: number; readonly hint?: string };
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly defect: Defect };

const BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
/** What people write instead, by its lower-case form. */
const SIZE_WORDS = new Map(
  Object.entries({
    k: "KiB",
    kb: "KiB",
    kib: "KiB",
    m: "MiB",
    mb: "MiB",
    mib: "MiB",
    g: "GiB",
    gb: "GiB",
    gib: "GiB",
    t: "TiB",
    tb: "TiB",
    tib: "TiB",
  }),
);
const DURATION_WORDS = new Map(
  Object.entries({
    sec: "s",
    secs: "s",
    second: "s",
    seconds: "s",
    min: "m",
    mins: "m",
    minute: "m",
    minutes: "m",
    hour: "h",
    hours: "h",
    hr: "h",
    day: "d",
    days: "d",
    S: "s",
    M: "m",
    H: "h",
    D: "d",
  }),
);

type Grammar = {
  readonly noun: string;
  readonly units: Readonly<Record<string, number>>;
  readonly corrected: (unit: string) => string | undefined;
  readonly example: (digits: string) => string;
};

const SIZE: Grammar = {
  noun: "size",
  units: BYTES,
  corrected: (unit) => SIZE_WORDS.get(unit.toLowerCase()),
  example: (digits) => `${digits}MiB or ${digits}GiB`,
};
const DURATION: Grammar = {
  noun: "duration",
  units: SECONDS,
  corrected: (unit) => DURATION_WORDS.get(unit) ?? DURATION_WORDS.get(unit.toLowerCase()),
  example: (digits) => `${digits}s or ${digits}m`,
};

const failed = (message: string, at: number, length: number, hint?: string): Parsed<never> => ({
  ok: false,
  defect: { message, at, length, ...(hint === undefined ? {} : { hint }) },
});

const unitNames = (grammar: Grammar): string => Object.keys(grammar.units).join(", ");

const withoutNumber = (text: string, grammar: Grammar): Parsed<never> =>
  failed(`a ${grammar.noun} is a whole number and a unit (${unitNames(grammar)})`, 0, text.length, `such as ${grammar.example("2")}`);

const wrongUnit = (text: string, digits: string, unit: string, grammar: Grammar): Parsed<never> => {
  const corrected = grammar.corrected(unit.trim());
  const at = digits.length;
  const hint = corrected === undefined ? `write ${grammar.example(digits)}` : `write ${digits}${corrected}`;
  const spaced = Object.hasOwn(grammar.units, unit.trim());
  const message = spaced ? "no space goes between number and unit" : `unit \`${unit.trim()}\` is not one of ${unitNames(grammar)}`;
  return failed(message, at, text.length - at, spaced ? `write ${digits}${unit.trim()}` : hint);
};

/** Longer ones are no slip of a unit and would make messages long. */
const LONGEST_UNIT = 16;
const LONGEST_NUMBER = 16;

const parseQuantity = (text: string, grammar: Grammar): Parsed<number> => {
  const [, digits = "", unit = ""] = /^(\d*)([^]*)$/.exec(text) ?? [];
  if (digits === "" || unit.length > LONGEST_UNIT || digits.length > LONGEST_NUMBER) return withoutNumber(text, grammar);
  if (unit === "") return failed("unit missing", 0, text.length, `write ${grammar.example(digits)}`);
  if (/^[.,]\d/.test(unit)) return failed(`a ${grammar.noun} is a whole number`, 0, text.length, "use the next smaller unit");
  const factor = Object.hasOwn(grammar.units, unit) ? grammar.units[unit] : undefined;
  if (factor === undefined) return wrongUnit(text, digits, unit, grammar);
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? { ok: true, value } : failed(`this ${grammar.noun} is too large`, 0, text.length);
};

/** Bytes of `512MiB`. */
export const parseSize = (text: string): Parsed<number> => parseQuantity(text, SIZE);
/** Seconds of `35s`. */
export const parseDuration = (text: string): Parsed<number> => parseQuantity(text, DURATION);

const formatQuantity = (value: number, units: Readonly<Record<string, number>>, otherwise: string): string => {
  const fitting = Object.entries(units).findLast(([, factor]) => value !== 0 && value % factor === 0);
  return fitting === undefined ? `${value}${otherwise}` : `${value / fitting[1]}${fitting[0]}`;
};

/** The shortest text that parses to the same bytes; whole bytes that are no KiB are shown as `1000 bytes`. */
export const formatSize = (bytes: number): string => (bytes === 0 ? "0KiB" : formatQuantity(bytes, BYTES, " bytes"));
export const formatDuration = (seconds: number): string => formatQuantity(seconds, SECONDS, "s");

export type Rate = { readonly requests: number; readonly per: "s" | "m" };

const MOST_REQUESTS = 1_000_000;

/** `20/s` or `600/m`. */
export const parseRate = (text: string): Parsed<Rate> => {
  const [, digits, unit] = /^([0-9]{1,7})\/([sm])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    return failed("a rate is a whole number of requests per second or minute", 0, text.length, "such as 20/s or 600/m");
  }
  const requests = Number(digits);
  return requests >= 1 && requests <= MOST_REQUESTS
    ? { ok: true, value: { requests, per: unit === "s" ? "s" : "m" } }
    : failed(`a rate lies between 1 and ${MOST_REQUESTS}`, 0, digits.length);
};
