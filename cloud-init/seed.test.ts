import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { retryTransient } from "../provisioner/execute/retry.ts";
import type { Shell } from "../provisioner/transport/shell.ts";
import { writeSeed } from "./seed.ts";

const CRASH =
  "xorriso 1.5.4 : RockRidge filesystem manipulator, libburnia project.\nUNIX-SIGNAL:  SIGSEGV  errno= 0\nxorriso : ABORT : Program done.";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-seed-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A host whose xorriso fails with these outputs, one run each, and then works. */
const hostFailing = (outputs: string[]): Shell => ({
  label: "this host",
  run: async () => {
    const stdout = outputs.shift();
    if (stdout === undefined) await writeFile(join(folder, ".seed", "seed.iso"), "image");
    return {
      ok: stdout === undefined,
      exitCode: stdout === undefined ? 0 : 1,
      stdout: stdout ?? "",
      stderr: "",
      command: "xorriso",
      durationMs: 0,
    };
  },
  connectUnix: () => Promise.reject(new Error("not here")),
  connectTcp: () => Promise.reject(new Error("not here")),
  close: () => Promise.resolve(),
});

const write = (shell: Shell) => () => writeSeed(shell, { "meta-data": "a" }, join(folder, "seed.iso"));
const retrying = { waits: [0], signal: new AbortController().signal };

test("a crash of the writing program is tried again", async () => {
  await retryTransient(write(hostFailing([CRASH])), retrying);
  expect(await readdir(folder)).toEqual(["seed.iso"]);
});

test("what it refuses is not tried again, and leaves nothing", async () => {
  const refuses = hostFailing(["xorriso : FAILURE : Cannot open file", "never asked"]);
  await expect(retryTransient(write(refuses), retrying)).rejects.toMatchObject({ code: "COMMAND_FAILED", transient: false });
  expect(await readdir(folder)).toEqual([]);
});
