/** Bundles as files: whole ones come back byte by byte, bad ones leave nothing. */
import { createHash, randomBytes } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeLocalShell } from "../../transport/local.ts";
import { sh } from "../../transport/sh.ts";
import { readBundle } from "./read.ts";
import { compressFile, expandFile } from "./sparse.ts";
import { writeBundle } from "./write.ts";
import type { Packed } from "./write.ts";

const HEAD = { site: "shop", environment: "default", architecture: "amd64" } as const;
const IMAGE = "0123456789abcdef";
const sha256Of = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

let root: string;
let work: string;
let bundle: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-bundle-"));
  work = join(root, "work");
  mkdirSync(work);
  bundle = join(root, "site.bundle");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const file = (name: string, content: Uint8Array | string): string => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};

/** 8 MiB, of which only two blocks hold anything; the end is a hole. */
const sparseDisk = (): string => {
  const disk = file("root.raw", "");
  truncateSync(disk, 8 * 1024 ** 2);
  const bytes = readFileSync(disk);
  bytes.fill("a", 100, 200);
  bytes.fill("b", 5_000_000, 5_000_100);
  writeFileSync(disk, bytes);
  return disk;
};

const goodFiles = (): readonly Packed[] => {
  const program = randomBytes(50_000);
  return [
    { path: `sha256/${sha256Of(program)}`, file: file("program", program) },
    { path: `images/${IMAGE}/root.raw.zst`, file: sparseDisk() },
    { path: `images/${IMAGE}/vmlinuz`, file: file("vmlinuz", "kernel") },
    { path: "releases/shop-web@0123456789abcdef.tar", file: file("release", "") },
  ];
};

const read = () => {
  const staging = join(root, "staging");
  mkdirSync(staging);
  return readBundle(bundle, staging, "amd64");
};

describe("a whole bundle", () => {
  test("comes back byte by byte; holes of disks stay holes", async () => {
    const files = goodFiles();
    const written = await writeBundle(bundle, HEAD, files, work);
    const { manifest, staged } = await read();
    expect(manifest).toEqual(written);
    expect(staged.map(({ entry }) => entry.path)).toEqual(files.map(({ path }) => path));
    for (const [index, { path }] of files.entries()) {
      if (path.endsWith(".zst")) continue;
      expect(readFileSync(staged[index]?.file ?? "").equals(readFileSync(files[index]?.file ?? ""))).toBe(true);
    }
    const disk = join(root, "back.raw");
    await expandFile(staged[1]?.file ?? "", disk, staged[1]?.entry.rawBytes ?? 0);
    expect(readFileSync(disk).equals(readFileSync(join(root, "root.raw")))).toBe(true);
    expect(statSync(disk).blocks * 512).toBeLessThan(1024 ** 2);
  });

  test("holds its disks compressed, and its parts by digest as a mirror does", async () => {
    await writeBundle(bundle, HEAD, goodFiles(), work);
    expect(statSync(bundle).size).toBeLessThan(200_000);
    const out = join(root, "mirror");
    mkdirSync(out);
    await makeLocalShell().run(sh`tar -xf ${bundle} -C ${out}`);
    const [digest = ""] = readdirSync(join(out, "sha256"));
    expect(sha256Of(readFileSync(join(out, "sha256", digest)))).toBe(digest);
  });

  test("one that could not be written leaves no file", async () => {
    const missing = [{ path: "builds/none.json", file: join(root, "none") }];
    await expect(writeBundle(bundle, HEAD, missing, work)).rejects.toThrow("ENOENT");
    expect(readdirSync(root)).toEqual(["work"]);
  });
});

type Member = { readonly name: string; readonly content: string; readonly type?: "file" | "symlink"; readonly linkname?: string };

const craft = async (members: readonly Member[]): Promise<void> => {
  const archive = pack();
  for (const { content, ...header } of members) archive.entry({ mode: 0o600, ...header }, header.type === "symlink" ? "" : content);
  archive.finalize();
  await pipeline(Readable.from(archive), createWriteStream(bundle));
};

const entryOf = (path: string, content: string, changes: object = {}): object => ({
  path,
  sha256: sha256Of(content),
  bytes: content.length,
  ...changes,
});

const manifestOf = (entries: readonly object[], changes: object = {}): Member => ({
  name: "manifest.json",
  content: JSON.stringify({ format: "croft-bundle", version: 1, ...HEAD, entries, ...changes }),
});

const BUILD = "builds/shop-web-0.json";
const good = entryOf(BUILD, "one");

describe("a bad bundle", () => {
  test.each<readonly [string, readonly Member[], string]>([
    ["no manifest", [{ name: BUILD, content: "one" }], "it is no bundle of croft"],
    ["another tar", [{ name: "manifest.json", content: '{"name":"extension"}' }], "it is no bundle of croft"],
    ["a newer format", [manifestOf([], { version: 2 })], "it was made by another croft (format 2)"],
    ["another architecture", [manifestOf([], { architecture: "arm64" })], "it is for arm64, this host is amd64"],
    [
      "a path that climbs, in the manifest",
      [manifestOf([entryOf("../../etc/passwd", "x")])],
      'it holds "../../etc/passwd", which no bundle has',
    ],
    ["a path that climbs below a known folder", [manifestOf([entryOf("builds/../../x.json", "x")])], "which no bundle has"],
    ["an absolute path", [manifestOf([entryOf("/etc/passwd", "x")])], "which no bundle has"],
    [
      "a path that climbs, in the tar alone",
      [manifestOf([good]), { name: "../x", content: "x" }],
      'it holds "../x", which its manifest does not name',
    ],
    ["a file nobody named", [manifestOf([good]), { name: "builds/more.json", content: "x" }], "which its manifest does not name"],
    [
      "a link",
      [manifestOf([good]), { name: BUILD, content: "", type: "symlink", linkname: "/etc/passwd" }],
      `${BUILD} in it is no plain file`,
    ],
    ["other bytes", [manifestOf([good]), { name: BUILD, content: "two" }], `${BUILD} in it is damaged`],
    ["another size", [manifestOf([good]), { name: BUILD, content: "three" }], `${BUILD} in it has another size`],
    [
      "the same file twice",
      [manifestOf([good]), { name: BUILD, content: "one" }, { name: BUILD, content: "one" }],
      `it holds ${BUILD} twice`,
    ],
    ["a name twice", [manifestOf([good, good])], "it names a file twice"],
    ["a file missing", [manifestOf([good])], "1 of its files are missing"],
    ["a digest that is none", [manifestOf([entryOf(BUILD, "one", { sha256: "../x" })])], "it is no bundle of croft"],
  ])("%s", async (_name, members, reason) => {
    await craft(members);
    await expect(read()).rejects.toThrow(reason);
    expect(existsSync(join(root, "x"))).toBe(false);
  });

  test.each([0.1, 0.5, 0.9])("cut off at %d of its length", async (part) => {
    await writeBundle(bundle, HEAD, goodFiles(), work);
    truncateSync(bundle, Math.floor(statSync(bundle).size * part));
    await expect(read()).rejects.toThrow("it is damaged or cut off");
  });

  test("one flipped bit in the middle", async () => {
    await writeBundle(bundle, HEAD, goodFiles(), work);
    const bytes = readFileSync(bundle);
    bytes.writeUInt8(bytes.readUInt8(20_000) ^ 1, 20_000);
    writeFileSync(bundle, bytes);
    await expect(read()).rejects.toThrow(/sha256\/[0-9a-f]{64} in it is damaged/);
  });

  test.each(["", "no tar at all, only text", "x".repeat(2000)])("text instead of a tar: %#", async (text) => {
    writeFileSync(bundle, text);
    await expect(read()).rejects.toThrow(/damaged or cut off|no bundle of croft/);
  });

  test("none at all", async () => {
    await expect(read()).rejects.toThrow("it does not exist");
  });

  test("a disk that unpacks to more or less than it should", async () => {
    const disk = sparseDisk();
    await compressFile(disk, join(root, "disk.zst"));
    for (const size of [8 * 1024 ** 2 - 1, 8 * 1024 ** 2 + 1])
      await expect(expandFile(join(root, "disk.zst"), join(root, "out.raw"), size)).rejects.toThrow(`does not unpack to ${size} bytes`);
    writeFileSync(join(root, "disk.zst"), randomBytes(1000));
    await expect(expandFile(join(root, "disk.zst"), join(root, "out.raw"), 1000)).rejects.toThrow("does not unpack to 1000 bytes");
  });
});
