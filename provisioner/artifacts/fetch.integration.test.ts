/** Files on their way into the cache: mirror, sources one after the other, what is left when they fail. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { artifactPath } from "../model/names.ts";
import { makeLocalShell } from "../transport/local.ts";
import type { Artifact, Source } from "./catalogue.ts";
import { artifactPackages, ensureArtifact } from "./fetch.ts";
import type { ArtifactTools } from "./fetch.ts";
import { importArtifact } from "./import.ts";
import { EMPTY_LOCK } from "./lock-file.ts";
import { readNotes, takePartial } from "./sources/cache.ts";
import { startFaultServer } from "./testing/fault-server.fixture.ts";
import type { FaultServer } from "./testing/fault-server.fixture.ts";

/** Entries of these tests' own catalogue. */
const entries = vi.hoisted(() => new Map<string, unknown>());
vi.mock(import("./catalogue.ts"), async (original) => ({
  ...(await original()),
  artifactOf: (name: string): Artifact => entries.get(name) as Artifact,
}));

const BODY = randomBytes(200_000);
const sha256Of = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const SHA256 = sha256Of(BODY);

let server: FaultServer;
let root: string;
let folder: string;

beforeEach(async () => {
  server = await startFaultServer({ body: BODY });
  root = mkdtempSync(join(tmpdir(), "croft-artifacts-"));
  folder = join(root, "cache");
});
afterEach(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
  entries.clear();
});

const define = (sources: readonly Source[], sha256: string | null = SHA256): void => {
  const file = { sources, ...(sha256 === null ? {} : { sha256 }) };
  const artifact: Artifact = { name: "tool", version: "1", licence: "MIT", files: { amd64: file } };
  entries.set("tool", artifact);
};

const tools = (changes: Partial<ArtifactTools> = {}): ArtifactTools => ({
  shell: makeLocalShell(),
  folder,
  pins: { architecture: "amd64", lock: EMPTY_LOCK, notes: [] },
  mavenBase: `${server.url}/maven`,
  mirror: undefined,
  ...changes,
});

const release = (path: string): Source => ({ type: "release", url: `${server.url}${path}`, sha256: SHA256 });

describe("sources", () => {
  test("the first that has the file gives it; the note says which", async () => {
    define([release("/status/404"), release("/wrong"), release("/good")]);
    const file = await ensureArtifact(tools(), "tool");
    expect(file).toBe(artifactPath(folder, "tool", SHA256));
    expect(readFileSync(file).equals(BODY)).toBe(true);
    expect(await readNotes(folder)).toEqual([{ name: "tool", version: "1", architecture: "amd64", sha256: SHA256, source: "release" }]);
  });

  test("the cache is asked first, and a decayed file is fetched again", async () => {
    define([release("/good")]);
    const file = await ensureArtifact(tools(), "tool");
    await ensureArtifact(tools(), "tool");
    expect(server.requests).toHaveLength(1);
    writeFileSync(file, "decayed");
    await ensureArtifact(tools(), "tool");
    expect(readFileSync(file).equals(BODY)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test("where none has it, the error tells what each said, and nothing is left", async () => {
    define([release("/status/404"), release("/wrong")]);
    const error = await ensureArtifact(tools(), "tool").catch((caught: unknown) => caught as { message: string; tail: string });
    expect(error).toMatchObject({ message: `no source has tool 1 (sha256 ${SHA256.slice(0, 16)})` });
    expect((error as { tail: string }).tail).toMatch(/^release: .*HTTP 404.*\nrelease: .*not the pinned file/s);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("what has no digest is never downloaded", async () => {
    define([{ type: "release", url: `${server.url}/good` }], null);
    await expect(ensureArtifact(tools(), "tool")).rejects.toThrow("tool 1 has to be imported");
    expect(server.requests).toEqual([]);
  });

  test("what only the lock file pins: the very same file is asked for", async () => {
    define([{ type: "release", url: `${server.url}/good` }], null);
    const lock = { version: 1, artifacts: { tool: { version: "1", source: "import", sha256: { amd64: SHA256 } } } } as const;
    const pins = { architecture: "amd64", lock, notes: [] } as const;
    await expect(ensureArtifact(tools({ pins }), "tool")).rejects.toMatchObject({ hint: expect.stringContaining("croft.lock pins it") });
    expect(server.requests).toEqual([]);
    await ensureArtifact(tools({ pins, mirror: server.url }), "tool");
    expect(server.requests.map(({ path }) => path)).toEqual([`/sha256/${SHA256}`]);
  });

  test("a broken download is gone on with by the next run", async () => {
    define([release("/first-half-only")]);
    await expect(ensureArtifact(tools(), "tool")).rejects.toThrow("no source has tool");
    const [left = ""] = readdirSync(folder);
    expect(left).toMatch(/^\.part-/);
    expect(await takePartial(folder, SHA256)).toBe(join(folder, left));
    define([release("/good")]);
    await ensureArtifact(tools(), "tool");
    expect(server.requests.at(-1)?.range).toBe("bytes=100000-");
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  }, 30_000);

  test("what a run that is gone left in part is taken over", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, `.part-${SHA256.slice(0, 16)}-999999999`), BODY.subarray(0, 50_000));
    define([release("/good")]);
    await ensureArtifact(tools(), "tool");
    expect(server.requests).toMatchObject([{ range: "bytes=50000-" }]);
  });

  test("Maven's layout", async () => {
    define([{ type: "maven", group: "org.example", artifact: "tool", version: "1", extension: "zip" }]);
    await expect(ensureArtifact(tools(), "tool")).rejects.toThrow("no source has tool");
    expect(server.requests.map(({ path }) => path)).toEqual(["/maven/org/example/tool/1/tool-1.zip"]);
  });
});

test("what can only be built names the host package for it, until it is there", async () => {
  const go: Source = { type: "go", module: "example.org/tool", version: "v1.0.0", toolchain: "go1.26.8", flags: [] };
  define([go]);
  expect(await artifactPackages(tools(), ["tool"])).toMatchObject([
    { package: "golang-go", program: "go", why: expect.stringContaining("builds tool") },
  ]);
  expect(await artifactPackages(tools({ mirror: server.url }), ["tool"])).toEqual([]);
  await ensureArtifact(tools({ mirror: server.url }), "tool");
  expect(await artifactPackages(tools(), ["tool"])).toEqual([]);
  define([go, release("/good")]);
  expect(await artifactPackages(tools(), ["tool"])).toEqual([]);
});

describe("a mirror", () => {
  test("by address, before the other sources", async () => {
    define([release("/wrong")]);
    await ensureArtifact(tools({ mirror: `${server.url}/` }), "tool");
    expect(server.requests.map(({ path }) => path)).toEqual([`/sha256/${SHA256}`]);
    expect((await readNotes(folder))[0]?.source).toBe("mirror");
  });

  test("by folder; a wrong file there does not stop the others", async () => {
    const mirror = join(root, "mirror");
    mkdirSync(join(mirror, "sha256"), { recursive: true });
    writeFileSync(join(mirror, "sha256", SHA256), "tampered");
    define([release("/good")]);
    await ensureArtifact(tools({ mirror }), "tool");
    expect((await readNotes(folder))[0]?.source).toBe("release");
    rmSync(folder, { recursive: true });
    writeFileSync(join(mirror, "sha256", SHA256), BODY);
    await ensureArtifact(tools({ mirror }), "tool");
    expect((await readNotes(folder))[0]?.source).toBe("mirror");
  });
});

describe("import", () => {
  const importFile = (file: string, expected?: string) =>
    importArtifact({
      shell: makeLocalShell(),
      folder,
      architecture: "amd64",
      name: "tool",
      file,
      ...(expected === undefined ? {} : { expected }),
    });
  const program = Buffer.concat([Buffer.from("\u007fELF"), Buffer.alloc(14), Buffer.from([0x3e, 0]), randomBytes(100)]);
  const write = (name: string, content: Uint8Array | string): string => {
    writeFileSync(join(root, name), content);
    return join(root, name);
  };

  test("the pinned file only", async () => {
    define([]);
    await expect(importFile(write("wrong", "wrong"))).rejects.toThrow("is not the pinned file");
    expect(readdirSync(folder)).toEqual([]);
    await importFile(write("right", BODY));
    expect(await ensureArtifact(tools(), "tool")).toBe(artifactPath(folder, "tool", SHA256));
  });

  test("without a pin: a program for this architecture, pinned from then on", async () => {
    define([{ type: "release", url: "https://example.invalid/tool.tar.gz", member: "tool" }], null);
    await expect(importFile(write("text", "#!/bin/sh"))).rejects.toThrow("is no program for amd64");
    await expect(importFile(write("program", program), sha256Of("other"))).rejects.toThrow("is not the pinned file");
    const note = await importFile(write("program", program), sha256Of(program));
    const pins = { architecture: "amd64", lock: EMPTY_LOCK, notes: await readNotes(folder) } as const;
    expect(await ensureArtifact(tools({ pins }), "tool")).toBe(artifactPath(folder, "tool", note.sha256));
  });

  test("without a pin: the release's archive gives its program", async () => {
    define([{ type: "release", url: "https://example.invalid/tool.tar.gz", member: "tool" }], null);
    write("tool", program);
    await makeLocalShell().run({
      text: `cd ${root} && tar -czf tool.tar.gz tool && tar -czf none.tar.gz --transform s/tool/other/ tool`,
    } as never);
    await expect(importFile(join(root, "none.tar.gz"))).rejects.toThrow("holds no tool");
    expect((await importFile(join(root, "tool.tar.gz"))).sha256).toBe(sha256Of(program));
    expect(existsSync(artifactPath(folder, "tool", sha256Of(program)))).toBe(true);
  });
});
