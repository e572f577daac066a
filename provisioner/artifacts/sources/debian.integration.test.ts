/** A file of a real Debian package, by this host's apt. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeLocalShell } from "../../transport/local.ts";
import { fetchDebian } from "./debian.ts";
import type { SourceTools } from "./source.ts";

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "croft-debian-"));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const tools = (): SourceTools => ({
  shell: makeLocalShell(),
  architecture,
  work,
  partial: () => Promise.reject(new Error("apt keeps its own files")),
  report: () => {},
  mavenBase: "",
});

const candidate = (): string =>
  /Candidate: (\S+)/.exec(execFileSync("apt-cache", ["policy", "hello"], { encoding: "utf8" }))?.[1] ?? "(none)";

test("the program of a package", async () => {
  if (candidate() === "(none)") execFileSync("apt-get", ["update", "-qq"]);
  const file = await fetchDebian(
    tools(),
    { type: "debian", package: "hello", version: candidate(), member: "usr/bin/hello" },
    { sources: [] },
  );
  expect(readFileSync(file).subarray(1, 4).toString()).toBe("ELF");
});

test("a version that the archive does not have", async () => {
  const source = { type: "debian", package: "hello", version: "0.0-no", member: "usr/bin/hello" } as const;
  await expect(fetchDebian(tools(), source, { sources: [] })).rejects.toThrow(`apt has no hello:${architecture}=0.0-no`);
});
