import { expect, test } from "vitest";
import { toParagraphs, toSafeAddress } from "./delta.ts";

const render = (...ops: unknown[]) => toParagraphs({ ops }).map((paragraph) => paragraph.markup);

test("lines are paragraphs, empty ones are left out", () => {
  expect(render({ insert: "One\nTwo" }, { insert: " more\n\n \n" })).toEqual(["<p>One</p>", "<p>Two more</p>"]);
});

test("emphasis may span lines and combine", () => {
  const both = render({ insert: "a\nb", attributes: { bold: true, italic: true } });
  expect(both).toEqual(["<p><em><strong>a</strong></em></p>", "<p><em><strong>b</strong></em></p>"]);
});

test("everything is escaped", () => {
  expect(render({ insert: `<img src=x onerror="alert('1')">&` })).toEqual([
    "<p>&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;</p>",
  ]);
  expect(render({ insert: "x", attributes: { link: 'https://a.test/"><script>' } })[0]).not.toMatch(/<script|"">/);
});

test("links go to the web or to a mailbox", () => {
  expect(render({ insert: "x", attributes: { link: "https://a.test/?a=1&b=2" } })).toEqual([
    '<p><a href="https://a.test/?a=1&amp;b=2" rel="noopener noreferrer">x</a></p>',
  ]);
  expect(toSafeAddress("mailto:a@b.test")).toBe("mailto:a@b.test");
  for (const bad of [
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.test",
    "/relative",
    "file:///etc/passwd",
    "",
  ]) {
    expect(toSafeAddress(bad), bad).toBeUndefined();
    expect(render({ insert: "x", attributes: { link: bad } })).toEqual(["<p>x</p>"]);
  }
});

test("embeds, other formats and other shapes give no markup", () => {
  expect(
    render(
      { insert: { image: "https://a.test/x.png" } },
      { insert: "a", attributes: { color: "red", onclick: "x", header: 1 } },
      null,
      5,
      {},
    ),
  ).toEqual(["<p>a</p>"]);
  for (const other of [null, undefined, "text", 5, [], {}, { ops: "x" }, { email: "a@b.test" }]) expect(toParagraphs(other)).toEqual([]);
});
