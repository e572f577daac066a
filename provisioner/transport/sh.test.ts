import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allOf, quoteWord, sh } from "./sh.ts";

const run = (text: string): readonly string[] => execFileSync("sh", ["-c", text], { encoding: "utf8" }).split("\0").slice(0, -1);
/** What a shell makes of words: each as `printf` gets it. */
const wordsOf = (words: readonly string[]): readonly string[] => run(sh`printf '%s\0' ${words}`.text);

describe("words", () => {
  test.each([
    ["plain", "/usr/bin/x-1.2_3,a=b:c@d%e+f", "/usr/bin/x-1.2_3,a=b:c@d%e+f"],
    ["empty", "", "''"],
    ["with a space", "a b", "'a b'"],
    ["with a quote", "it's", `'it'\\''s'`],
    ["an expansion", "$(reboot)`reboot`$HOME", "'$(reboot)`reboot`$HOME'"],
    ["a pattern", "*", "'*'"],
    ["a home", "~root", "'~root'"],
    ["two lines", "a\nb", "'a\nb'"],
  ])("%s", (_name, word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });

  test("a NUL byte is refused", () => {
    expect(() => quoteWord("a\0b")).toThrow("a command word cannot hold a NUL byte");
  });

  test("what a shell reads is what was given", () => {
    const text = fc.string({ unit: "binary" }).filter((word) => !word.includes("\0"));
    const words = fc.array(fc.oneof(text, fc.constantFrom("", "'", '"', "\\", "-n", "!", "#", "\n", "$x", "a=b")), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, (given) => {
        const wellFormed = given.map((word) => word.toWellFormed());
        expect(wordsOf(wellFormed)).toEqual(wellFormed);
      }),
      { numRuns: 60 },
    );
  });
});

describe("commands", () => {
  test("a value is one word, an array several, a number its digits, a command its text", () => {
    expect(sh`mkdir -p ${"/a b"}`.text).toBe("mkdir -p '/a b'");
    expect(sh`rm ${["a b", 2]} x`.text).toBe("rm 'a b' 2 x");
    expect(sh`rm ${[]}x`.text).toBe("rm x");
    expect(sh`sleep ${-1.5}`.text).toBe("sleep -1.5");
    expect(sh`${sh`echo ${"a b"}`} | cat`.text).toBe("echo 'a b' | cat");
  });

  test("the literal stays as it is typed, backslashes too", () => {
    expect(sh`printf '%s\n' ${"x"}`.text).toBe("printf '%s\\n' x");
  });

  test.each([
    ["double quotes", () => sh`echo "${"x"}"`],
    ["single quotes", () => sh`echo '${"x"}'`],
    ["a quote opened before another value", () => sh`echo ${"a"} "b ${"x"}"`],
    ["single quotes, where a backslash is itself", () => sh`echo '\\' '${"x"}'`],
    ["double quotes after an escaped one", () => sh`echo "a\"${"x"}"`],
  ])("a value inside %s is refused", (_name, make) => {
    expect(make).toThrow("a value inside quotes in sh: ");
  });

  test.each([
    ["closed quotes", () => sh`echo "a'b" 'c"d' ${"x"}`],
    ["an escaped quote", () => sh`echo \" ${"x"}`],
    ["a backslash in single quotes", () => sh`echo '\' ${"x"}`],
    ["an escaped quote in double quotes", () => sh`echo "\"" ${"x"}`],
  ])("a value after %s is not", (_name, make) => {
    expect(make().text.endsWith(" x")).toBe(true);
  });

  test("allOf runs each only after the one before succeeded", () => {
    expect(allOf([sh`true`, sh`echo ${"a b"}`]).text).toBe("true && echo 'a b'");
    expect(run(`${allOf([sh`printf 'a\0'`, sh`false`, sh`printf 'b\0'`]).text} || true`)).toEqual(["a"]);
  });
});
