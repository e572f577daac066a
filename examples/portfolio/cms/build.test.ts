import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folders = ["one", "two"].map((name) => mkdtempSync(join(tmpdir(), `portfolio-cms-${name}-`)));
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

const getDigests = (folder: string): Record<string, string> => {
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => statSync(join(folder, name)).isFile()).toSorted();
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
};

test("two builds are equal, and the page names the files that are there", () => {
  for (const folder of folders) execFileSync(process.execPath, [join(import.meta.dirname, "build.ts"), folder]);
  const [one = {}, two] = folders.map(getDigests);
  expect(one).toEqual(two);
  const page = readFileSync(join(folders[0] ?? "", "index.html"), "utf8");
  const named = [...page.matchAll(/(?:href|src)="\/(assets\/[^"]+)"/g)].map((match) => match[1]);
  expect(named).toHaveLength(2);
  for (const name of named) expect(one).toHaveProperty([name ?? ""]);
  expect(page).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)/);
  for (const name of ["config.json", "favicon.svg", "robots.txt", "seed/tideland-1.svg"]) expect(one).toHaveProperty([name]);
});
