import { expect, test } from "vitest";
import { meetsGoal, median, renderTable } from "./row.ts";
import type { Row } from "./row.ts";

const row: Row = {
  what: "boot",
  unit: "ms",
  croft: 1050,
  other: { name: "by hand", value: 1000 },
  goal: { ratio: 1.1 },
  note: "with the copy",
};

test("the median of an even number of values lies between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
  expect(() => median([])).toThrow(RangeError);
});

test("a goal holds where value and ratio both do", () => {
  expect(meetsGoal(row)).toBe(true);
  expect(meetsGoal({ ...row, goal: { ratio: 1.1, value: 1000 } })).toBe(false);
  expect(meetsGoal({ ...row, goal: { ratio: 1 } })).toBe(false);
  expect(meetsGoal({ what: "plan", unit: "ms", croft: 1 })).toBeUndefined();
});

test("a goal may be a lower limit, where more is better", () => {
  const rate: Row = { what: "requests", unit: "/s", croft: 900, other: { name: "bare", value: 1000 }, goal: { least: 0.9 } };
  expect(meetsGoal(rate)).toBe(true);
  expect(meetsGoal({ ...rate, croft: 899 })).toBe(false);
  expect(renderTable([rate])).toContain("900 /s  1000 /s bare  0.90×  ≥ 0.9×  met");
});

test("a ratio goal with nothing to compare with is not met", () => {
  expect(meetsGoal({ what: "plan", unit: "ms", croft: 1, goal: { ratio: 1 } })).toBe(false);
});

test("the table aligns its columns and numbers its notes", () => {
  expect(renderTable([row, { what: "plan", unit: "s", croft: 0.5 }])).toBe(
    [
      "what      croft    against          ratio  goal",
      "boot [1]  1050 ms  1000 ms by hand  1.05×  ≤ 1.1×  met",
      "plan      0.50 s",
      "  [1] with the copy",
    ].join("\n"),
  );
});
