import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { piecesOf } from "./checks/bindings.ts";
import { CODES } from "./codes.ts";
import { findCycle } from "./cycle.ts";
import { renderProblems } from "./diagnostics.ts";
import { renderDocs, sectionsOf } from "./docs.ts";
import { findSecrets, maskInPlace, maskSecrets } from "./mask.ts";
import type { Problem } from "./problem.ts";
import { readConfig } from "./read.ts";
import { makeSchema, schemaJson, type Schema } from "./schema.ts";
import { EXAMPLE_SERVICES } from "./services.fixture.ts";
import { closest } from "./suggest.ts";
import { makeText, showValue } from "./text.ts";

describe("cycles", () => {
  const edges = (text: string) => new Map(text.split(" ").map((edge) => [edge[0] ?? "", Array.from(edge.slice(2))]));

  test.each([
    ["a>b b>c", undefined],
    ["a>a", ["a", "a"]],
    ["a>b b>c c>a", ["a", "b", "c", "a"]],
    ["a>bc b>d c>d d>", undefined],
    ["a>b b>c c>b", ["b", "c", "b"]],
  ])("%s", (text, cycle) => {
    expect(findCycle(edges(text))).toEqual(cycle);
  });

  test("a long chain is no deeper than a short one", () => {
    expect(findCycle(new Map(Array.from({ length: 100_000 }, (_, index) => [String(index), [String(index + 1)]])))).toBeUndefined();
  });
});

describe("suggestions", () => {
  test.each([
    ["cpu", "cpus"],
    ["memroy", "memory"],
    ["x", undefined],
    ["CPUS", "cpus"],
    ["wholly-different", undefined],
  ])("%s", (word, meant) => {
    expect(closest(word, ["cpus", "memory", "disks", "to"])).toBe(meant);
  });
});

describe("secrets", () => {
  const key = `AKIA${"Q".repeat(16)}`;

  test("are found and never shown", () => {
    expect(findSecrets(`a ${key}`).map(({ masked }) => masked)).toEqual(["AKIA****"]);
    expect(maskSecrets(`x ${key} postgres://u:hunter2@h`)).toBe("x AKIA**** postgres://u:****@h");
    expect(maskInPlace(`x ${key}\npostgres://u:hunter2@h`)).toBe(`x AKIA${"*".repeat(16)}\npostgres://u:*******@h`);
    expect(showValue(key)).toBe("AKIA****");
  });

  test("a private key is masked to its end, or to the end of the file", () => {
    expect(maskInPlace("-----BEGIN PRIVATE KEY-----\nabc\n")).not.toContain("abc");
    expect(maskInPlace("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nb: 1")).toMatch(/\nb: 1$/);
  });
});

test("bindings of a text", () => {
  expect(piecesOf("a${b}c${d${e}").map(({ at, name, closed }) => [at, name, closed])).toEqual([
    [1, "b", true],
    [6, "", false],
    [9, "e", true],
  ]);
});

test("columns count characters, a tab is one", () => {
  expect(makeText("f", "a\n\t😀x").place({ start: 5, end: 6 })).toEqual({ file: "f", line: 2, col: 3, endLine: 2, endCol: 4 });
});

describe("shown problems", () => {
  const problem = (line: number): Problem => ({
    code: "E0103",
    severity: "error",
    message: `m${line}`,
    place: { file: "f", line, col: 1, endLine: line, endCol: 2 },
    hint: "h",
    related: [],
  });
  const problems = Array.from({ length: 137 }, (_, index) => problem(137 - index));

  test("are sorted, 20 at most, the rest counted", () => {
    const text = renderProblems(problems, { f: "x\n".repeat(137) });
    expect(text.match(/^error/gm)).toHaveLength(20);
    expect(text).toMatch(/^error\[E0103\]: m1\n/);
    expect(text).toMatch(/\n\nand 117 more \(--all shows them\)\n$/);
    expect(renderProblems(problems, { f: "" }, { all: true }).match(/^error/gm)).toHaveLength(137);
  });

  test("have colour where it is wanted, and are JSON where that is", () => {
    expect(renderProblems([problem(1)], { f: "x" }, { color: true })).toContain("\u001b[1;31merror[E0103]\u001b[0m");
    expect(JSON.parse(renderProblems(problems, {}, { json: true }))).toHaveLength(137);
    expect(JSON.parse(renderProblems([], {}, { json: true }))).toEqual([]);
    expect(renderProblems([], {})).toBe("");
  });
});

test("every code has its own title", () => {
  expect(new Set(Object.values(CODES)).size).toBe(Object.keys(CODES).length);
});

describe("the schema", () => {
  const schema = makeSchema(EXAMPLE_SERVICES);
  const fieldsOf = (value: unknown): readonly Schema[] => {
    if (typeof value !== "object" || value === null) return [];
    const own = value as Schema;
    const fields = Object.values((own["properties"] ?? {}) as object) as readonly Schema[];
    return [
      ...fields,
      ...Object.entries(own)
        .filter(([key]) => key !== "examples" && key !== "default")
        .flatMap(([, child]) => fieldsOf(child)),
    ];
  };

  test("describes every field with an example", () => {
    const fields = fieldsOf(schema);
    expect(fields.length).toBeGreaterThan(50);
    expect(fields.filter(({ description, examples }) => typeof description !== "string" || !Array.isArray(examples))).toEqual([]);
  });

  test("becomes a manual", () => {
    expect(renderDocs(schema, "machines.NAME.cpus")).toBe(
      "machines.NAME.cpus\n    a whole number 1-256\n    Virtual processors.\n    default: 1\n    example: 2\n",
    );
    expect(renderDocs(schema, "nothing")).toBe("");
    expect(sectionsOf(schema)).toContain("services.postgres.disk");
    expect(renderDocs(schema)).toContain("apps.NAME.workloads.NAME (kind: node).health.live");
  });

  test("becomes an editor's schema without words that editors do not know", () => {
    const text = schemaJson(EXAMPLE_SERVICES);
    expect(JSON.parse(text)).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", type: "object" });
    expect(text).not.toMatch(/"(?:minSize|discriminator)"/);
  });
});

describe("reading", () => {
  test("gives bytes and the folder", async () => {
    const path = join(import.meta.dirname, "../../examples/hello/croft.yaml");
    expect(await readConfig(path)).toEqual({ file: "croft.yaml", folder: join(path, ".."), bytes: await readFile(path) });
  });

  test.each([
    ["gone.yaml", "it does not exist"],
    ["", "it is a folder"],
  ])("says why %s cannot be read", async (name, reason) => {
    await expect(readConfig(join(tmpdir(), name))).rejects.toThrow(reason);
  });
});
