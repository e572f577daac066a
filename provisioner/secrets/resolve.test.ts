import { expect, test } from "vitest";
import { markersOf, resolveTemplate } from "./resolve.ts";
import type { Readers } from "./resolve.ts";
import { Secret } from "./secret.ts";

const readers: Readers = {
  secret: async (name) => new Secret(name === "odd" ? "{{secret a}}" : `<${name}>`),
  certificate: async (name, part) => new Secret(`[${name} ${part}]`),
  authority: async () => "(ca)",
};

test("markers are filled in", async () => {
  const text = "u={{secret postgres/rw}} {{ certificate gateway chain }}{{certificate gateway key}} {{authority}} $x {y}";
  const filled = await resolveTemplate(text, readers);
  expect(filled.reveal()).toBe("u=<postgres/rw> [gateway chain][gateway key] (ca) $x {y}");
  expect(`${filled}`).toBe("[redacted]");
});

test("a value that looks like a marker is left alone", async () => {
  expect((await resolveTemplate("{{secret odd}}", readers)).reveal()).toBe("{{secret a}}");
});

test.each([
  "{{secret}}",
  "{{secret a b}}",
  "{{secret ../x}}",
  "{{certificate gateway}}",
  "{{certificate gateway secret}}",
  "{{authority x}}",
  "{{unknown a}}",
  "{{}}",
  "{{secret a",
])("%s is refused", async (template) => {
  await expect(resolveTemplate(template, readers)).rejects.toThrow("template holds");
});

test("markers can be listed without being filled in", () => {
  expect(markersOf("{{secret a}}-{{authority}}")).toEqual([{ kind: "secret", name: "a" }, { kind: "authority" }]);
});
