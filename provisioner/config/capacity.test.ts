/** Machines that a host cannot hold, shown in the file. */
import { expect, test } from "vitest";
import { checkCapacity } from "./capacity.ts";
import { renderProblems } from "./diagnostics.ts";
import { parseConfig } from "./parse.ts";
import { EXAMPLE_SERVICES } from "./services.fixture.ts";

const GIB = 1024 ** 3;
const SITE = `version: 1
site: shop
domain: shop.test
hosts: { attic: {}, cellar: {} }
machines:
  edge: { memory: 1GiB }
  data: { memory: 6GiB }
  spare: { memory: 64GiB, host: cellar }
`;

const judged = (spare: Readonly<Record<string, number>>): string => {
  const bytes = Buffer.from(SITE);
  const result = parseConfig({ file: "croft.yaml", folder: "/srv/site", bytes, services: EXAMPLE_SERVICES, variables: {} });
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return renderProblems(checkCapacity(result.model, result.locate, spare), { "croft.yaml": SITE }, {});
};

test("what fits, and a host of which nothing is known, is left alone", () => {
  expect(judged({ attic: 7 * GIB })).toBe("");
});

test("the largest machine of a host is shown first, the others beside it", () => {
  expect(judged({ attic: 7 * GIB - 1, cellar: 64 * GIB })).toMatchInlineSnapshot(`
    "error[E0106]: machines want 7GiB of memory, host "attic" has 7167MiB for them
      --> croft.yaml:7:19
       |
     7 |   data: { memory: 6GiB }
       |                   ^^^^
      ::: croft.yaml:6:19 machine "edge" is on that host, too
       |
     6 |   edge: { memory: 1GiB }
       |                   ----
       = help: make machines smaller, or move one to another host
    "
  `);
});
