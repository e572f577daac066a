/** What is found, in the shape of what is wanted. */
import { expect, test } from "vitest";
import { mergeOver, pickLike } from "./shape.ts";

test("only wanted properties are picked; what is not there is null; lists lose their order", () => {
  const found = { name: "a", more: true, uris: ["b", "a"], attributes: { one: "1", two: "2" } };
  expect(pickLike(found, { name: "", uris: [], attributes: { one: "", three: "" }, gone: 1 })).toEqual({
    name: "a",
    uris: ["a", "b"],
    attributes: { one: "1", three: null },
    gone: null,
  });
});

test("wanted properties go over found ones, level by level, and lists whole", () => {
  const found = { id: "x", uris: ["old"], attributes: { one: "1", kept: "2" } };
  expect(mergeOver(found, { uris: ["new"], attributes: { one: "9" }, added: true })).toEqual({
    id: "x",
    uris: ["new"],
    attributes: { one: "9", kept: "2" },
    added: true,
  });
});
