import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeLocalShell } from "../transport/local.ts";
import { packFromImage } from "./image-files.ts";

const shell = makeLocalShell();
const base = mkdtempSync(join(tmpdir(), "croft-image-files-"));
const image = join(base, "root.raw");

beforeAll(() => {
  const tree = join(base, "tree");
  mkdirSync(join(tree, "usr/sbin"), { recursive: true });
  writeFileSync(join(tree, "usr/sbin/tool"), Buffer.from([0, 255, 10, 13, 128]));
  writeFileSync(join(tree, "usr/sbin/other"), "other");
  chmodSync(join(tree, "usr/sbin/tool"), 0o4755);
  chownSync(join(tree, "usr/sbin/other"), 33, 33);
  execFileSync("/sbin/mke2fs", ["-q", "-F", "-t", "ext4", "-d", tree, image, "8M"]);
});

afterAll(async () => {
  await shell.close();
  rmSync(base, { recursive: true });
});

test("files come out of an image byte by byte, with mode and owner", async () => {
  const out = join(base, "out");
  mkdirSync(out);
  writeFileSync(join(base, "files.tar"), await packFromImage(shell, image, ["/usr/sbin/tool", "/usr/sbin/other"]));
  execFileSync("tar", ["-x", "-p", "-f", join(base, "files.tar"), "-C", out]);
  expect([...readFileSync(join(out, "usr/sbin/tool"))]).toEqual([0, 255, 10, 13, 128]);
  expect(statSync(join(out, "usr/sbin/tool")).mode & 0o7777).toBe(0o4755);
  expect(statSync(join(out, "usr/sbin/other")).uid).toBe(33);
});

test.each(["/usr/sbin/gone", "/usr/../etc/shadow", '/usr/sbin/a" b', "/usr/sbin/a\nb"])(
  "what is not there or not plain is refused: %j",
  async (path) => {
    await expect(packFromImage(shell, image, [path])).rejects.toThrow(/image|restored/);
  },
);
