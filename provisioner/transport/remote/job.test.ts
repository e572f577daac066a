/** The job's commands, run by the shell they are written for. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Command } from "../sh.ts";
import { packTar } from "../tar.ts";
import { claimCommand, followCommand, jobFiles, parseState, removeCommand, seenCommand, stateCommand } from "./job.ts";
import type { JobSpec } from "./job.ts";

let root = "";
let job: JobSpec;
const run = (command: Command, input: Uint8Array | string = "") => {
  const { stdout, stderr, status } = spawnSync("sh", ["-c", command.text], { input });
  return { out: stdout.toString(), err: stderr.toString(), status };
};
const state = () => parseState(run(stateCommand(job.folder)).out);
const write = (name: string, text: string): void => writeFileSync(join(job.folder, name), text);
const claim = async (token = "one") => run(claimCommand({ ...job, token }), await packTar(jobFiles({ ...job, token })));

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "croft-job-"));
  job = {
    id: "ab12",
    folder: join(root, "jobs", "ab12"),
    token: "one",
    workFolder: root,
    command: ["true"],
    environment: { SECRET: "it's" },
    interactive: false,
  };
  await claim();
  return () => rmSync(root, { recursive: true });
});

test("the states of a job, in the order it passes them", () => {
  expect(run(stateCommand(join(root, "none"))).out).toBe("absent\n");
  expect(state()).toMatchObject({ type: "waiting", token: "one" });
  write("started", "1\n");
  expect(state()).toMatchObject({ type: "lost" });
  const held = spawnSync("flock", [join(job.folder, "lock"), "sh", "-c", stateCommand(job.folder).text]);
  expect(parseState(held.stdout.toString())).toMatchObject({ type: "running", token: "one" });
  write("exit", "7\n");
  expect(state()).toMatchObject({ type: "ended", exitCode: 7 });
  run(seenCommand(job.folder));
  expect(state()).toMatchObject({ type: "seen", exitCode: 7 });
});

test("a job belongs to who claimed it first, and nobody else reads what it was given", async () => {
  expect((await claim("two")).status).toBe(0);
  expect(state()).toMatchObject({ token: "one" });
  expect(statSync(job.folder).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(job.folder, "environment"), "utf8")).toBe(`export SECRET='it'\\''s'\n`);
});

test.each([
  [{ out: 0, err: 0 }, "one two", "uh oh"],
  [{ out: 4, err: 3 }, "two", "oh"],
  [{ out: 7, err: 5 }, "", ""],
])("output is followed from %j", (offsets, out, err) => {
  write("out", "one two");
  write("err", "uh oh");
  expect(run(followCommand(job.folder, offsets))).toEqual({ out, err, status: 0 });
});

test("only a job that does not run is removed", () => {
  spawnSync("flock", [join(job.folder, "lock"), "sh", "-c", removeCommand(job.folder).text]);
  expect(state()).toMatchObject({ type: "waiting" });
  run(removeCommand(job.folder));
  expect(state()).toEqual({ type: "absent" });
});

test.each(["", "ended one 2026 x", "odd"])("`%s` is no state", (text) => {
  expect(() => parseState(text)).toThrow("a job's state reads");
});
