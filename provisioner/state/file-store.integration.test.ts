/** A real full disk: 128 KiB of tmpfs. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openJournal, readJournal } from "../execute/journal.ts";
import { makeFileStore } from "./file-store.ts";
import { emptyState } from "./store.ts";

let folder: string;
let mounted = false;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", folder], { stdio: "ignore" });
    mounted = true;
  } catch {
    // Not root, or no right to mount: the test is skipped.
  }
});
afterAll(async () => {
  if (mounted) execFileSync("umount", [folder]);
  await rmdir(folder);
});

test("a full disk: STATE_IO, the old state and the journal stay whole", async (context) => {
  if (!mounted) context.skip();
  const store = makeFileStore(join(folder, "state.json"));
  const journalFile = join(folder, "journal.ndjson");
  const journal = await openJournal(journalFile);
  const who = { user: "u", host: "h", pid: 1, command: "croft up", croft: "0" };
  await store.write({ ...emptyState("a"), serial: 1 });
  await journal.append({ type: "run-started", run: "r", at: "t", site: "a", who, plan: "p" });
  await writeFile(join(folder, "ballast"), Buffer.alloc(200_000)).catch(() => {});
  await expect(store.write({ ...emptyState("a"), serial: 2 })).rejects.toMatchObject({ code: "STATE_IO", exitCode: 74 });
  const long = {
    type: "intent",
    run: "r",
    at: "t",
    step: "a/a",
    action: "create",
    attempt: 1,
    changes: [{ path: "x", to: "y".repeat(20_000) }],
  } as const;
  await expect(journal.append(long)).rejects.toMatchObject({ code: "STATE_IO", exitCode: 74 });
  await journal.close();
  expect((await store.read())?.serial).toBe(1);
  expect((await readJournal(journalFile)).map(({ type }) => type)).toEqual(["run-started"]);
});
