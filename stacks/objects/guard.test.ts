/** The script that runs before each start, as a machine's shell runs it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identityFile, renderGuard, renderIdentity } from "./render.ts";
import { PROGRAMS, bucketsOf } from "./section.ts";
import type { ProgramName } from "./section.ts";
import { MODEL } from "./testing/model.fixture.ts";

const BROKEN: Readonly<Record<ProgramName, readonly string[]>> = {
  minio: [
    "",
    "MINIO_ROOT_USER=croft\n",
    "MINIO_ROOT_PASSWORD=\n",
    "MINIO_ROOT_PASSWORD=minioadmin\n",
    "#MINIO_ROOT_PASSWORD=12345678901234567890123456789012\n",
  ],
  seaweedfs: [
    "",
    "{}",
    '{"identities":[]}',
    '{"identity":[{"name":"croft"}]}',
    '{"identities":[{"name":"croft","credentials":[]}]}',
    "not json",
  ],
};

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "croft-guard-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(PROGRAMS)("before %s starts", (program) => {
  const guard = (mount = "/") => {
    writeFileSync(join(folder, "guard"), renderGuard(program));
    return spawnSync("sh", [join(folder, "guard"), folder, mount], { encoding: "utf8" });
  };
  const write = (text: string): void => writeFileSync(join(folder, identityFile(program)), text);
  const good = (renderIdentity(program, bucketsOf(MODEL))[identityFile(program)] ?? "").replaceAll(
    /\{\{secret [^}]+\}\}/g,
    "aB3".repeat(11).slice(0, 32),
  );

  test("the identity file that croft writes is good", () => {
    write(good);
    expect(guard()).toMatchObject({ status: 0, stderr: "" });
  });

  test.each(BROKEN[program])("%j is not", (text) => {
    write(text);
    expect(guard().stderr).toContain("so it is not started");
  });

  test("neither is a missing one, nor one whose secrets were never filled in", () => {
    expect(guard().status).not.toBe(0);
    write(renderIdentity(program, [])[identityFile(program)] ?? "");
    expect(guard().status).not.toBe(0);
  });

  test("nor a folder where the disk should be", () => {
    write(good);
    mkdirSync(join(folder, "disk"));
    expect(guard(join(folder, "disk")).stderr).toContain("the data disk is not mounted");
  });
});
