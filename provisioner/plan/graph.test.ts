import { describe, expect, test } from "vitest";
import { findCycle, getDependents, topologicalOrder } from "./graph.ts";

const edges = (text: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    text.split("; ").map((line) => [
      line.split(":")[0] as string,
      (line.split(":")[1] ?? "")
        .trim()
        .split(" ")
        .filter((id) => id !== ""),
    ]),
  );

describe("topologicalOrder", () => {
  test("puts every id after all it points to, ties in order", () => {
    expect(topologicalOrder(edges("c: b a; b: a; a:; d:"))).toEqual(["a", "b", "c", "d"]);
  });

  test("leaves out what is no key", () => {
    expect(topologicalOrder(edges("b: a nowhere; a:"))).toEqual(["a", "b"]);
  });

  test("names the whole cycle", () => {
    expect(() => topologicalOrder(edges("x: a; a: b; b: c; c: a"))).toThrow("dependency cycle: a -> b -> c -> a");
  });

  test("survives a chain longer than the stack", () => {
    const chain = new Map(Array.from({ length: 200_000 }, (_, index) => [`n${index}`, index === 199_999 ? [] : [`n${index + 1}`]]));
    expect(topologicalOrder(chain).slice(0, 2)).toEqual(["n199999", "n199998"]);
  });
});

test("findCycle: none, and one of itself", () => {
  expect(findCycle(edges("a: b; b:"))).toBeUndefined();
  expect(findCycle(edges("a: a"))).toEqual(["a", "a"]);
});

test("getDependents turns edges round", () => {
  expect([...getDependents(edges("a: c; b: c"))]).toEqual([["c", ["a", "b"]]]);
});
