import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Recorded } from "../plan/resource.ts";
import { findUnfinished, makeOrderCheck, recallRecords, unendedSteps } from "./journal-entry.ts";
import { openJournal, readJournal, rotateJournal } from "./journal.ts";
import type { Done, Entry, Failed, Intent, RunEnded, RunStarted } from "./journal.ts";

const who = { user: "ada", host: "metal1", pid: 7, command: "croft up", croft: "0.1.0" };
const started = (run: string, site = "s1"): RunStarted => ({ type: "run-started", run, at: "t0", site, who, plan: "p" });
const intent = (run: string, step: string, more: Partial<Intent> = {}): Intent => ({
  type: "intent",
  run,
  at: "t1",
  step,
  action: "create",
  attempt: 1,
  changes: [],
  ...more,
});
const done = (run: string, step: string, serial = 1): Done => ({
  type: "done",
  run,
  at: "t2",
  step,
  durationMs: 5,
  serial,
  output: { pid: 1 },
});
const failed = (run: string, step: string): Failed => ({ type: "failed", run, at: "t2", step, durationMs: 5, error: "no" });
const ended = (run: string): RunEnded => ({ type: "run-ended", run, at: "t3", outcome: "done" });

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-journal-"));
  file = join(folder, "site", "journal.ndjson");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const writeAll = async (entries: readonly Entry[]): Promise<void> => {
  const journal = await openJournal(file);
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

describe("the order of entries", () => {
  test.each<[string, readonly Entry[]]>([
    ["a whole run", [started("r"), intent("r", "a/a"), done("r", "a/a"), ended("r")]],
    ["a second try", [started("r"), intent("r", "a/a"), failed("r", "a/a"), intent("r", "a/a"), done("r", "a/a")]],
    ["a run after a killed one", [started("r"), intent("r", "a/a"), started("q"), intent("q", "a/a")]],
    ["steps side by side", [started("r"), intent("r", "a/a"), intent("r", "b/b"), done("r", "b/b"), done("r", "a/a")]],
  ])("legal: %s", (_, entries) => {
    expect(entries.map(makeOrderCheck())).toEqual(entries.map(() => undefined));
  });

  test.each<[string, readonly Entry[], string]>([
    ["a result of nothing", [started("r"), done("r", "a/a")], "done of a/a cannot follow none"],
    ["two results", [started("r"), intent("r", "a/a"), done("r", "a/a"), failed("r", "a/a")], "failed of a/a cannot follow done"],
    ["a step done again", [started("r"), intent("r", "a/a"), done("r", "a/a"), intent("r", "a/a")], "intent of a/a cannot follow done"],
    ["two intents", [started("r"), intent("r", "a/a"), intent("r", "a/a")], "intent of a/a cannot follow intent"],
    ["no run", [intent("r", "a/a")], "intent of run r outside of that run"],
    ["another run", [started("r"), intent("q", "a/a")], "intent of run q outside of that run"],
    ["after the end", [started("r"), ended("r"), intent("r", "a/a")], "intent of run r outside of that run"],
  ])("illegal: %s", (_, entries, problem) => {
    expect(entries.map(makeOrderCheck()).at(-1)).toBe(problem);
  });

  test("is enforced on append", async () => {
    const journal = await openJournal(file);
    await expect(journal.append(done("r", "a/a"))).rejects.toMatchObject({
      code: "BUG",
      message: "journal: done of run r outside of that run",
    });
    await journal.close();
  });
});

describe("the file", () => {
  test("does not exist before the first run", async () => {
    expect(await readJournal(file)).toEqual([]);
  });

  test("keeps what was appended, in order, also side by side", async () => {
    const steps = Array.from({ length: 50 }, (_, index) => intent("r", `a/${index}`));
    const journal = await openJournal(file);
    await Promise.all([started("r"), ...steps].map((entry) => journal.append(entry)));
    await journal.close();
    expect(await readJournal(file)).toEqual([started("r"), ...steps]);
  });

  test("torn at every byte of its last line: read without it, repaired by the next run", async () => {
    await writeAll([started("r"), intent("r", "a/a")]);
    const whole = await readFile(file);
    const first = whole.indexOf("\n") + 1;
    for (let length = whole.length - 1; length >= first; length -= 1) {
      await truncate(file, length);
      expect(await readJournal(file)).toEqual([started("r")]);
    }
    await appendFile(file, '{"type":"intent","ru');
    await writeAll([started("q")]);
    expect(await readJournal(file)).toEqual([started("r"), started("q")]);
  });

  test("a tail of zeros, as a power cut leaves it, is torn too", async () => {
    await writeAll([started("r")]);
    await appendFile(file, Buffer.alloc(100));
    expect(await readJournal(file)).toEqual([started("r")]);
  });

  test.each([
    ["no JSON", "x"],
    ["no entry", "{}"],
    ["null", "null"],
    ["no run", '{"type":"done"}'],
    ["no step", '{"type":"done","run":"r"}'],
    ["no order", '{"type":"run-ended","run":"q"}'],
  ])("a broken middle is refused: %s", async (_, line) => {
    await writeAll([started("r")]);
    await appendFile(file, `${line}\n${JSON.stringify(intent("r", "a/a"))}\n`);
    const refused = { code: "STATE_INVALID", exitCode: 65, message: `the journal ${file} is damaged in line 2` };
    await expect(readJournal(file)).rejects.toMatchObject(refused);
    await expect(openJournal(file)).rejects.toMatchObject(refused);
  });

  test("that cannot be read or opened: STATE_IO", async () => {
    await mkdir(file, { recursive: true });
    await expect(readJournal(file)).rejects.toMatchObject({ code: "STATE_IO", exitCode: 74 });
    const inFile = join(folder, "plain", "journal.ndjson");
    await writeFile(join(folder, "plain"), "");
    await expect(openJournal(inFile)).rejects.toMatchObject({ code: "STATE_IO" });
  });

  test("a link to nowhere: opening fails before anything is done", async () => {
    await symlink(join(folder, "nowhere", "journal"), join(folder, "link"));
    await expect(openJournal(join(folder, "link"))).rejects.toMatchObject({ code: "STATE_IO" });
  });

  test("after a failed write nothing more is written", async () => {
    const journal = await openJournal(file);
    await journal.append(started("r"));
    await journal.close();
    const failure = { code: "STATE_IO", exitCode: 74 };
    await expect(journal.append(intent("r", "a/a"))).rejects.toMatchObject(failure);
    await expect(journal.append(intent("r", "b/b"))).rejects.toMatchObject(failure);
    expect(await readJournal(file)).toEqual([started("r")]);
  });
});

describe("unfinished steps", () => {
  const record: Recorded = { id: "a/a", kind: "a", host: "h", spec: {}, needs: [], output: {}, status: "active" };
  const unfinished = (entries: readonly Entry[], serial = 1) => Object.fromEntries(findUnfinished(entries, { siteId: "s1", serial }));

  test("none where every step reached the state", () => {
    expect(unfinished([started("r"), intent("r", "a/a", { record }), done("r", "a/a"), ended("r")])).toEqual({});
  });

  test("an intent without an end, and one that failed", () => {
    expect(unfinished([started("r"), intent("r", "a/a", { record }), intent("r", "b/b"), failed("r", "b/b")])).toEqual({
      "a/a": { attempts: 1, record, ended: false },
      "b/b": { attempts: 1, record: undefined, ended: false },
    });
  });

  test("a result that no state holds brings its output", () => {
    const lost = [started("r"), intent("r", "a/a", { record }), done("r", "a/a", 2)];
    const recalled = { ...record, output: { pid: 1 } };
    expect(unfinished(lost)).toEqual({ "a/a": { attempts: 1, record: recalled, ended: true } });
    expect(unfinished([...lost, started("q"), intent("q", "a/a", { record, action: "update" })])).toEqual({
      "a/a": { attempts: 1, record: recalled, ended: false },
    });
    expect(unfinished([started("r"), intent("r", "a/a"), done("r", "a/a", 2)])).toEqual({
      "a/a": { attempts: 1, record: undefined, ended: false },
    });
    expect(unfinished([started("r"), intent("r", "a/a", { action: "retain" }), done("r", "a/a", 2)])).toEqual({});
  });

  test("a later run's end counts; a removal that was killed remembers what was made", () => {
    const killed = [started("r"), intent("r", "a/a", { record }), started("q"), intent("q", "a/a", { action: "remove", attempt: 2 })];
    expect(unfinished(killed)).toEqual({ "a/a": { attempts: 2, record, ended: false } });
    expect(unfinished([...killed, done("q", "a/a", 2)])["a/a"]?.ended).toBe(false);
    expect(unfinished([...killed, done("q", "a/a")])).toEqual({});
  });

  test("what has no effect, and what belongs to another site, does not count", () => {
    expect(unfinished([started("r"), intent("r", "a/a", { action: "verify" }), intent("r", "b/b", { action: "forget" })])).toEqual({});
    expect(unfinished([started("r", "s0"), intent("r", "a/a")])).toEqual({});
  });
});

test("what is recalled beyond the state", () => {
  const [a, b, c, d] = ["a/a", "b/b", "c/c", "d/d"].map((id): Recorded => ({
    id,
    kind: "k",
    host: "h",
    spec: {},
    needs: [],
    output: {},
    status: "active",
  })) as [Recorded, Recorded, Recorded, Recorded];
  const old = { ...b, spec: { old: true } };
  const found = new Map([
    ["a/a", { attempts: 1, record: a, ended: true }],
    ["b/b", { attempts: 1, record: b, ended: true }],
    ["c/c", { attempts: 1, record: c, ended: false }],
    ["d/d", { attempts: 1, record: d, ended: false }],
    ["e/e", { attempts: 1, record: undefined, ended: false }],
  ]);
  expect([...recallRecords([old], found, new Set(["a/a", "c/c"])).values()]).toEqual([b, a, d]);
  expect(recallRecords([{ ...d, host: "other" }], found, new Set(["c/c"])).get("d/d")?.host).toBe("other");
  expect([...unendedSteps(found)]).toEqual(["c/c", "d/d", "e/e"]);
});

describe("rotation", () => {
  test("leaves a small journal alone", async () => {
    expect(await rotateJournal(file)).toBe(false);
    await writeAll([started("r")]);
    expect(await rotateJournal(file)).toBe(false);
  });

  test("puts a large one aside and keeps nine", async () => {
    for (let run = 0; run < 12; run += 1) {
      await writeAll([started(`r${run}`)]);
      expect(await rotateJournal(file, 10)).toBe(true);
    }
    expect(await readdir(join(folder, "site"))).toHaveLength(9);
    expect(await readJournal(`${file}.1`)).toEqual([started("r11")]);
    expect(await readJournal(file)).toEqual([]);
  });
});
