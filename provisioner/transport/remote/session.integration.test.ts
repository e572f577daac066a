/** Jobs on a host behind a wire that is cut: every byte of output comes once, and the command runs once. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { makeKeyPair, makeSshShell } from "../ssh.ts";
import type { JobSpec } from "./job.ts";
import { makePack } from "./pack.ts";
import { answerJob, endJob, followJob, shipPacks, signalJob, startJob } from "./session.ts";
import type { Session } from "./session.ts";
import { makeHost } from "./sshd.fixture.ts";
import type { Wire } from "./sshd.fixture.ts";

const user = makeKeyPair("user");
const LINES = 12;
const SCRIPT = `echo run >> "$1"; i=0
while [ $i -lt ${LINES} ]; do i=$((i + 1)); echo "out $i"; echo "err $i" >&2; sleep 0.02; done
while [ -e hold ]; do sleep 0.05; done
exit 7
`;
const noise = randomBytes(400_000);
const pack = makePack("site", "the site", [
  { name: "deep/run.sh", mode: 0o755, content: Buffer.from(SCRIPT) },
  { name: "noise", mode: 0o644, content: noise },
]);
const expected = (word: string): string => Array.from({ length: LINES }, (_, index) => `${word} ${index + 1}\n`).join("");

let wire: Wire;
let root = "";
beforeAll(async () => {
  wire = await makeHost(user.publicKey);
});
afterAll(() => wire.close());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-on-"));
  return () => rmSync(root, { recursive: true, force: true });
});

const open = (delaysMs: readonly number[] = [10, 50, 200]): Session & { readonly said: string[] } => {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const shell = makeSshShell({
    label: "the test host",
    host: "127.0.0.1",
    port: wire.port,
    user: "root",
    logins: [{ type: "key", key: user.privateKey, name: "user" }],
    hostKeys: [wire.hostKey],
    connectTimeoutMs: 5000,
  });
  return { shell, say, said, reconnect: { delaysMs, say } };
};

const ship = (): string => join(root, "ship");
const makeJob = (command: readonly string[] = ["sh", "run.sh", join(root, "runs")], interactive = false): JobSpec => ({
  id: "job1",
  folder: join(root, "jobs", "job1"),
  token: randomUUID(),
  workFolder: join(ship(), pack.name, "deep"),
  command,
  environment: { PATH: process.env["PATH"] ?? "", NAME: "it's $HOME" },
  interactive,
});

type Seen = { readonly code: number; readonly out: string; readonly err: string };

const runAll = async (session: Session, job: JobSpec, takeResult = true): Promise<Seen> => {
  await shipPacks(session, ship(), [pack]);
  await startJob(session, job, takeResult);
  const text = { stdout: "", stderr: "" };
  const code = await followJob(session, job, (from, bytes) => (text[from] += Buffer.from(bytes).toString()));
  await endJob(session, job);
  return { code, out: text.stdout, err: text.stderr };
};

const runs = (): string => readFileSync(join(root, "runs"), "utf8");
const checkEnd = (seen: Seen): void => {
  expect(seen).toEqual({ code: 7, out: expected("out"), err: expected("err") });
  expect(runs()).toBe("run\n");
  expect(readFileSync(join(ship(), pack.name, "noise")).equals(noise)).toBe(true);
  expect(readdirSync(ship())).toEqual([pack.name]);
  expect(readdirSync(join(root, "jobs"))).toEqual(["job1"]);
  expect(readdirSync(join(root, "jobs", "job1"))).toEqual([
    "err",
    "exit",
    "input",
    "lock",
    "out",
    "pid",
    "run",
    "seen",
    "started",
    "token",
  ]);
};

test("a job's output, exit code and environment come through, and packs are sent once", async () => {
  const session = open();
  checkEnd(await runAll(session, makeJob()));
  const before = wire.counts().up;
  const seen = await runAll(session, makeJob(["sh", "-c", 'pwd; echo "$NAME"; printf "\\303\\244\\0x"; exit 3']));
  expect(seen).toEqual({ code: 3, out: `${join(ship(), pack.name, "deep")}\nit's $HOME\nä\0x`, err: "" });
  expect(wire.counts().up - before).toBeLessThan(noise.length / 4);
  await session.shell.close();
});

test("the wire is cut at twelve points, from the greeting to the last line, and the client goes on", async () => {
  const clean = open();
  const start = wire.counts();
  checkEnd(await runAll(clean, makeJob()));
  await clean.shell.close();
  const total = { up: wire.counts().up - start.up, down: wire.counts().down - start.down };
  for (let point = 0; point < 12; point += 1) {
    rmSync(root, { recursive: true });
    const way = point % 2 === 0 ? "up" : "down";
    const session = open();
    wire.cutAt(way, Math.max(1, Math.floor((total[way] * (point + 0.5)) / 12.5)));
    checkEnd(await runAll(session, makeJob()));
    expect(wire.wasCut(), `point ${point}`).toBe(true);
    expect(session.said.filter((text) => text.startsWith("the connection was lost while"))).toHaveLength(1);
    await session.shell.close();
  }
});

test("a client that gives up at any point leaves what the next one finishes", async () => {
  const clean = open();
  const start = wire.counts();
  checkEnd(await runAll(clean, makeJob()));
  await clean.shell.close();
  const total = { up: wire.counts().up - start.up, down: wire.counts().down - start.down };
  for (let point = 0; point < 10; point += 1) {
    rmSync(root, { recursive: true });
    const way = point % 2 === 0 ? "up" : "down";
    const lost = open([]);
    wire.cutAt(way, Math.max(1, Math.floor((total[way] * (point + 0.5)) / 11)));
    await expect(runAll(lost, makeJob()), `point ${point}`).rejects.toMatchObject({ code: "TRANSPORT" });
    const next = open();
    checkEnd(await runAll(next, makeJob()));
    await next.shell.close();
  }
});

test("a result that nobody saw answers a changing command once, and a reading one never", async () => {
  const first = open();
  await shipPacks(first, ship(), [pack]);
  const job = makeJob();
  await startJob(first, job, true);
  await first.shell.run({ text: `while [ ! -e ${job.folder}/exit ]; do sleep 0.05; done` } as never);
  const second = open();
  expect(await runAll(second, makeJob())).toEqual({ code: 7, out: expected("out"), err: expected("err") });
  expect(second.said.join()).toMatch(/this very command ended while nobody was connected, begun 20.*Z; this is its result/);
  expect(runs()).toBe("run\n");
  await startJob(first, makeJob(), true);
  await first.shell.run({ text: `while [ ! -e ${job.folder}/exit ]; do sleep 0.05; done` } as never);
  await runAll(open(), makeJob(), false);
  expect(runs()).toBe("run\nrun\nrun\n");
});

test("two clients of one running command both get its whole output", async () => {
  const [one, two] = [open(), open()];
  await shipPacks(one, ship(), [pack]);
  const hold = join(ship(), pack.name, "deep", "hold");
  writeFileSync(hold, "");
  await startJob(one, makeJob(), true);
  const first = runAll(one, makeJob());
  const second = runAll(two, makeJob());
  await vi.waitFor(() => expect(two.said.join()).toMatch(/this very command runs there already, since 20/), { timeout: 20_000 });
  rmSync(hold);
  expect((await first).out).toBe(expected("out"));
  checkEnd(await second);
});

test("a signal and an answer reach the job", async () => {
  const session = open();
  await shipPacks(session, ship(), [pack]);
  const text = `process.on("SIGINT", () => { console.log("interrupted"); process.exit(130); }); process.stdin.on("data", (data) => console.log("got " + data)); console.log("asking");`;
  const job = makeJob([process.execPath, "-e", text], true);
  await startJob(session, job, true);
  let out = "";
  const code = await followJob(session, job, (_from, bytes) => {
    out += Buffer.from(bytes).toString();
    if (out === "asking\n") void answerJob(session, job, "yes\n");
    if (out.endsWith("got yes\n\n")) void signalJob(session, job, "INT");
  });
  expect({ code, out }).toEqual({ code: 130, out: "asking\ngot yes\n\ninterrupted\n" });
});

test("a job that was killed with its host has no result, and the next run is a new one", async () => {
  const session = open();
  await shipPacks(session, ship(), [pack]);
  const job = makeJob(["sh", "-c", "echo started; kill -KILL $PPID; sleep 0.1"]);
  await startJob(session, job, true);
  await expect(followJob(session, job, () => {})).rejects.toThrow("the job ended on the test host without a result");
  checkEnd(await runAll(session, makeJob()));
});
