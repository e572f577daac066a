/** A thousand hostile texts in every text field: refused where they stand, or plainly harmless. */
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../provisioner/config/parse.ts";
import { EXAMPLE_SERVICES } from "../../provisioner/config/services.fixture.ts";
import { makeText } from "../../provisioner/config/text.ts";
import { MARK, markedSite, TEXT_FIELDS, type Field } from "./fields.ts";
import { hostileWords } from "./hostile-words.ts";

const ALL = hostileWords(1_000);
/** Each field gets its own share, so that every word is tried somewhere; `npm run fuzz` tries all everywhere. */
const SHARE = Number(process.env["FUZZ_WORDS"] ?? 200);
const wordsFor = (index: number): readonly string[] =>
  ALL.slice((index * SHARE) % ALL.length)
    .concat(ALL)
    .slice(0, SHARE);

/** Free text that no file of croft's holds bare: a command of the user's own, and values that are quoted where they go. */
const FREE = new Set(["one-line"]);
/** What everything else may be made of: nothing that ends a word of a shell, SQL, nginx, systemd or YAML inside quotes. */
const HARMLESS = /^[A-Za-z0-9 ._~!&'()*+,=:@%?#[\]/-]{0,2000}$/;
// eslint-disable-next-line no-control-regex
const ONE_LINE = /^[^\u0000-\u0008\n-\u001f]*$/;

type Spot = { readonly line: number; readonly from: number; readonly to: number };

/** Where the text stands in the file: once, or once more for everything that refers to it. */
const spotsOf = (marked: string, written: string): readonly Spot[] =>
  marked.split("\n").flatMap((line, index) => {
    const at = line.indexOf(`"${MARK}"`);
    return at < 0 ? [] : [{ line: index + 1, from: at + 1, to: at + 1 + [...written].length }];
  });

const read = (marked: string, word: string) => {
  const text = marked.replaceAll(`"${MARK}"`, () => JSON.stringify(word));
  const bytes = new TextEncoder().encode(text);
  return parseConfig({ file: "croft.json", folder: "/srv", bytes, services: EXAMPLE_SERVICES, variables: {} });
};

/** Undefined: as it should be. */
const judge = (field: Field, marked: string, word: string): string | undefined => {
  const result = read(marked, word);
  if (result.ok) {
    const legal = FREE.has(String(field.schema["format"])) ? ONE_LINE.test(word) : HARMLESS.test(word);
    return legal ? undefined : `took ${JSON.stringify(word)}`;
  }
  const spots = spotsOf(marked, JSON.stringify(word));
  const isAtSpot = result.problems.some(({ place }) =>
    spots.some((spot) => place.line === spot.line && place.col >= spot.from - 1 && place.col <= spot.to + 1),
  );
  return isAtSpot
    ? undefined
    : `${JSON.stringify(word.slice(0, 80))}: ${result.problems[0]?.message} at ${result.problems[0]?.place.line}:${result.problems[0]?.place.col}`;
};

describe("hostile texts", () => {
  test("there are fields to try, and a plain name passes where the mark stands", () => {
    expect(TEXT_FIELDS.length).toBeGreaterThan(40);
    expect(makeText("croft.json", markedSite(TEXT_FIELDS[0] as Field)).content).toContain(MARK);
  });

  test.each(TEXT_FIELDS.map((field, index) => [`${field.path.join(".")}${field.keys ? " (key)" : ""}`, field, index] as const))(
    "%s",
    (_name, field, index) => {
      const marked = markedSite(field);
      expect(marked).toContain(`"${MARK}"`);
      const wrong = wordsFor(index).flatMap((word) => judge(field, marked, word) ?? []);
      expect(wrong).toEqual([]);
    },
  );
});
