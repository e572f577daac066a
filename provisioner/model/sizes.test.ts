import { describe, expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "./sizes.ts";

describe("sizes", () => {
  test.each([
    ["512MiB", 512 * 2 ** 20],
    ["2GiB", 2 * 2 ** 30],
    ["1TiB", 2 ** 40],
    ["4KiB", 4096],
  ])("%s", (text, bytes) => {
    expect(parseSize(text)).toEqual({ ok: true, value: bytes });
    expect(formatSize(bytes)).toBe(text);
  });

  test.each([
    ["10GB", "unit `GB` is not one of KiB, MiB, GiB, TiB", 2, 2, "write 10GiB"],
    ["10", "unit missing", 0, 2, "write 10MiB or 10GiB"],
    ["1.5GiB", "a size is a whole number", 0, 6, "use the next smaller unit"],
    ["10 GiB", "no space goes between number and unit", 2, 4, "write 10GiB"],
    ["lots", "a size is a whole number and a unit (KiB, MiB, GiB, TiB)", 0, 4, "such as 2MiB or 2GiB"],
    ["99999999TiB", "this size is too large", 0, 11, undefined],
    ["1constructor", "unit `constructor` is not one of KiB, MiB, GiB, TiB", 1, 11, "write 1MiB or 1GiB"],
  ])("refuses %s", (text, message, at, length, hint) => {
    const result = parseSize(text);
    expect(result.ok === false && { hint: undefined, ...result.defect }).toEqual({ message, at, length, hint });
  });

  test("a size is shown in the largest unit that divides it", () => {
    expect([formatSize(1536 * 2 ** 20), formatSize(0), formatSize(1000)]).toEqual(["1536MiB", "0KiB", "1000 bytes"]);
  });
});

describe("durations", () => {
  test.each([
    ["35s", 35],
    ["5m", 300],
    ["2h", 7200],
    ["7d", 604_800],
  ])("%s", (text, seconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: seconds });
    expect(formatDuration(seconds)).toBe(text);
  });

  test.each([
    ["5 min", "write 5m"],
    ["5", "write 5s or 5m"],
    ["7days", "write 7d"],
    ["3M", "write 3m"],
  ])("refuses %s", (text, hint) => {
    const result = parseDuration(text);
    expect(result.ok === false && result.defect.hint).toBe(hint);
  });
});
