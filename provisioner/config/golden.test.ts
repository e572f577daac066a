/** Every folder of `test/golden/config` is one wrong configuration and the exact text that answers it. `UPDATE_GOLDEN=1` writes the texts anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sourceText } from "./bytes.ts";
import { renderProblems } from "./diagnostics.ts";
import { checkFolders } from "./folders.ts";
import { parseConfig } from "./parse.ts";
import type { Problem } from "./problem.ts";
import { EXAMPLE_SERVICES } from "./services.fixture.ts";

type Options = {
  readonly environment?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly missing?: readonly string[];
};

const FOLDER = join(import.meta.dirname, "../../test/golden/config");
const CASES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const optionsOf = (folder: string): Options => {
  const path = join(folder, "options.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Options) : {};
};

const problemsOf = (file: string, bytes: Uint8Array, options: Options): readonly Problem[] => {
  const { environment, variables = {}, missing = [] } = options;
  const result = parseConfig({
    file,
    folder: "/srv/site",
    bytes,
    services: EXAMPLE_SERVICES,
    variables,
    ...(environment === undefined ? {} : { environment }),
  });
  if (!result.ok) return result.problems;
  return [...checkFolders(result.model, result.locate, (path) => !missing.some((name) => path.endsWith(`/${name}`))), ...result.warnings];
};

const answer = (name: string): string => {
  const folder = join(FOLDER, name);
  const file = existsSync(join(folder, "croft.json")) ? "croft.json" : "croft.yaml";
  const bytes = readFileSync(join(folder, file));
  const options = optionsOf(folder);
  return renderProblems(problemsOf(file, bytes, options), { [file]: sourceText(bytes) }, options);
};

describe("wrong configurations", () => {
  test.each(CASES)("%s", (name) => {
    const path = join(FOLDER, name, "expected.txt");
    const text = answer(name);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
    expect(answer(name)).toBe(text);
    expect(text).toMatch(/^ {2}--> \S+:\d+:\d+$|"line": \d+/m);
  });
});
