import { expect, test } from "vitest";
import { fromTree, hasMore, toMarkup, toSafeAddress, type Tree } from "./delta.ts";

const text = (value: string): Tree => ({ text: value });
const element = (name: string, ...children: readonly Tree[]): Tree => ({ name, children });

test("a stored text as paragraphs, with nothing but emphasis and links", () => {
  const ops = [
    { insert: "One <b>\nTwo " },
    { insert: "three", attributes: { bold: true, italic: true } },
    { insert: "\n" },
    { insert: "here", attributes: { link: "https://example.test/a?b=1&c=2" } },
    { insert: "there", attributes: { link: "javascript:alert(1)", color: "red" } },
    { insert: { image: "x" } },
    { insert: "\n" },
  ];
  expect(toMarkup({ ops }).markup).toBe(
    '<p>One &lt;b&gt;</p><p>Two <em><strong>three</strong></em></p><p><a href="https://example.test/a?b=1&amp;c=2">here</a>there</p>',
  );
  for (const empty of [null, undefined, {}, { ops: [] }, "text"]) expect(toMarkup(empty).markup).toBe("<p><br /></p>");
});

test("what browsers make of typing, as it is stored", () => {
  const nodes = [
    text("First"),
    element("div", text("Second "), element("b", text("bold "), element("i", text("both"))), text("  spaces\u00a0here")),
    element("div", element("br")),
    element("p", text("Third"), element("br"), text("line")),
    element("script", text("never")),
  ];
  expect(fromTree(nodes)).toEqual({
    ops: [
      { insert: "First\nSecond " },
      { insert: "bold ", attributes: { bold: true } },
      { insert: "both", attributes: { bold: true, italic: true } },
      { insert: " spaces here\nThird\nline\n" },
    ],
  });
  expect(fromTree([element("p", element("br"))])).toEqual({ ops: [] });
});

test("links keep only addresses that are safe", () => {
  const link = (href: string): Tree => ({ name: "a", href, children: [text("x")] });
  expect(fromTree([element("p", link("mailto:a@b.test"), link("javascript:x"))])).toEqual({
    ops: [{ insert: "x", attributes: { link: "mailto:a@b.test" } }, { insert: "x\n" }],
  });
  expect(toSafeAddress("name@example.test")).toBe("mailto:name@example.test");
  for (const bad of ["", "example.test", "/path", "data:text/html,x", "vbscript:x"]) expect(toSafeAddress(bad), bad).toBeUndefined();
});

test("stored texts come back as they were", () => {
  const delta = { ops: [{ insert: "One\nTwo " }, { insert: "three", attributes: { italic: true as const } }, { insert: ".\n" }] };
  const tree = [element("p", text("One")), element("p", text("Two "), element("em", text("three")), text("."))];
  expect(toMarkup(delta).markup).toBe("<p>One</p><p>Two <em>three</em>.</p>");
  expect(fromTree(tree)).toEqual(delta);
});

test("what the editor would lose is noticed", () => {
  for (const plain of [null, undefined, { ops: [] }, { ops: [{ insert: "a\n", attributes: { bold: true } }] }])
    expect(hasMore(plain)).toBe(false);
  for (const more of [
    { ops: [{ insert: { image: "x" } }] },
    { ops: [{ insert: "\n", attributes: { header: 1 } }] },
    { email: "a@b" },
    "text",
  ])
    expect(hasMore(more)).toBe(true);
});
