/** A program built from its Go module, where a Go compiler is. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasProgram } from "../../host/bootstrap.ts";
import { makeLocalShell } from "../../transport/local.ts";
import type { GoSource } from "../catalogue.ts";
import { fetchGo } from "./go.ts";
import type { SourceTools } from "./source.ts";

const hasGo = hasProgram("go");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-go-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const build = (name: string, source: GoSource, architecture: "amd64" | "arm64"): Promise<string> => {
  const work = join(root, name);
  mkdirSync(work);
  const tools: SourceTools = {
    shell: makeLocalShell(),
    architecture,
    work,
    partial: () => Promise.reject(new Error("go keeps its own files")),
    report: () => {},
    mavenBase: "",
  };
  return fetchGo(tools, source, { sources: [] });
};

/** The compiler of this host, so that the test fetches none. */
const installed = (): string => execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).trim();
const small = (version: string): GoSource => ({
  type: "go",
  module: "golang.org/x/tools/cmd/stringer",
  version,
  toolchain: installed(),
  flags: ["-ldflags=-s -w"],
});

test.skipIf(!hasGo)("the same bytes in another folder, and for another architecture (needs go)", async () => {
  const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
  const first = await build("one", small("v0.30.0"), "amd64");
  const second = await build("two", small("v0.30.0"), "amd64");
  expect(hash(second)).toBe(hash(first));
  const other = await build("three", small("v0.30.0"), "arm64");
  expect([first, other].map((file) => readFileSync(file).readUInt16LE(18))).toEqual([0x3e, 0xb7]);
});

test.skipIf(!hasGo)("a version that no proxy has (needs go)", async () => {
  await expect(build("one", small("v9.9.9"), "amd64")).rejects.toThrow("building golang.org/x/tools/cmd/stringer@v9.9.9 failed");
  expect(existsSync(join(root, "one", "bin"))).toBe(false);
});
