import { expect, test } from "vitest";
import { html } from "./html.ts";

test("values are escaped, markup is not escaped twice", () => {
  const inner = html`<b>${"<&>"}</b>`;
  expect(html`<p title="${'"x"'}">${inner}${[inner, "'"]}</p>`.markup).toBe(
    '<p title="&quot;x&quot;"><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b>&#39;</p>',
  );
});

test("what is not there leaves nothing", () => {
  expect(html`${false}${null}${undefined}${0}${""}`.markup).toBe("0");
});
