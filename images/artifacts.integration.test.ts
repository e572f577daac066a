/** Artifacts placed into a tree by the programs that will do it. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { deflateRawSync, crc32 } from "node:zlib";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasProgram } from "../provisioner/host/bootstrap.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { sh } from "../provisioner/transport/sh.ts";
import { placeArtifact } from "./artifacts.ts";
import type { ArtifactUse } from "./recipe.ts";

const shell = makeLocalShell();
let root: string;
let tree: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-place-"));
  tree = join(root, "tree");
  mkdirSync(tree);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const use = (target: string, unpack?: ArtifactUse["unpack"]): ArtifactUse => ({
  name: "tool",
  digest: "sha256-x",
  target,
  ...(unpack === undefined ? {} : { unpack }),
});

test("a program becomes one executable file", async () => {
  writeFileSync(join(root, "program"), "#!/bin/sh\n", { mode: 0o600 });
  await placeArtifact(shell, tree, use("/usr/local/bin/tool"), join(root, "program"));
  expect(statSync(join(tree, "usr/local/bin/tool")).mode & 0o777).toBe(0o755);
});

const makeTar = async (): Promise<string> => {
  mkdirSync(join(root, "tool-1.0/bin"), { recursive: true });
  writeFileSync(join(root, "tool-1.0/bin/run.sh"), "#!/bin/sh\n");
  chmodSync(join(root, "tool-1.0/bin/run.sh"), 0o755);
  writeFileSync(join(root, "tool-1.0/README"), "read me");
  await shell.run(sh`tar -czf ${join(root, "tool.tar.gz")} -C ${root} tool-1.0`);
  return join(root, "tool.tar.gz");
};

describe("tar.gz", () => {
  test("becomes a folder without its leading part, programs stay programs", async () => {
    await placeArtifact(shell, tree, use("/opt/tool", { type: "tar.gz", strip: 1 }), await makeTar());
    expect(readdirSync(join(tree, "opt/tool")).toSorted()).toEqual(["README", "bin"]);
    expect(statSync(join(tree, "opt/tool/bin/run.sh")).mode & 0o111).toBe(0o111);
  });

  test("a damaged one is an error", async () => {
    writeFileSync(join(root, "bad"), readFileSync(await makeTar()).subarray(0, 100));
    await expect(placeArtifact(shell, tree, use("/opt/tool", { type: "tar.gz", strip: 1 }), join(root, "bad"))).rejects.toThrow(
      "unpacking tool",
    );
  });
});

/** A zip of deflated files; no program to make one is needed. */
const makeZip = (files: Readonly<Record<string, string>>): string => {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(text), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(text.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), common, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((0o100755 << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\u0001\u0002\u0014\u0003"), common, tail, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", 0, "latin1");
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  writeFileSync(join(root, "tool.zip"), Buffer.concat([...parts, central, end]));
  return join(root, "tool.zip");
};

const ZIP = { type: "zip", strip: 1 } as const;

describe("zip", () => {
  test.skipIf(!hasProgram("unzip"))("becomes a folder without its leading part (needs unzip)", async () => {
    const file = makeZip({ "tool-1.0/bin/run.sh": "#!/bin/sh\n", "tool-1.0/README": "read me" });
    await placeArtifact(shell, tree, use("/opt/tool", ZIP), file);
    expect(readFileSync(join(tree, "opt/tool/README"), "utf8")).toBe("read me");
    expect(statSync(join(tree, "opt/tool/bin/run.sh")).mode & 0o111).toBe(0o111);
    expect(readdirSync(join(tree, "opt"))).toEqual(["tool"]);
  });

  test.skipIf(!hasProgram("unzip"))("two leading folders cannot be left out (needs unzip)", async () => {
    const file = makeZip({ "one/a": "a", "two/b": "b" });
    await expect(placeArtifact(shell, tree, use("/opt/tool", ZIP), file)).rejects.toThrow("is not one folder");
    expect(existsSync(join(tree, "opt/tool"))).toBe(false);
  });

  test.skipIf(!hasProgram("unzip"))("a path that climbs stays inside (needs unzip)", async () => {
    const file = makeZip({ "../../../escaped": "x", "tool/a": "a" });
    await placeArtifact(shell, tree, use("/opt/tool", ZIP), file).catch(() => {});
    expect(existsSync(join(root, "escaped")) || existsSync(join(root, "..", "escaped"))).toBe(false);
  });
});
