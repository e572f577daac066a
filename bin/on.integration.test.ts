/** The command line against an SSH server of ours on loopback: keys, shipping, words, exit codes. No site is made. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeHost } from "../provisioner/transport/remote/sshd.fixture.ts";
import type { Wire } from "../provisioner/transport/remote/sshd.fixture.ts";
import { keyFingerprint, makeKeyPair } from "../provisioner/transport/ssh.ts";

const PROJECT = join(import.meta.dirname, "..");
const user = makeKeyPair("user");
let wire: Wire;
let folder = "";
const home = (): string => join(folder, "home");
const ship = (): string => join(folder, "cache", "ship");
const print = (): string => keyFingerprint(wire.hostKey);

type Outcome = { readonly code: number; readonly out: string; readonly err: string };
const croft = (words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(PROJECT, "bin", "croft"), ...words], {
      cwd: home(),
      env: {
        PATH: process.env["PATH"],
        HOME: home(),
        CROFT_ROOT: join(folder, "root"),
        CROFT_CACHE: join(folder, "cache"),
        NO_COLOR: "1",
        ...more,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (bytes: Buffer) => (said.out += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (said.err += bytes.toString()));
    child.once("close", (code) => resolve({ ...said, code: code ?? 128 }));
  });
const on = (...words: readonly string[]): Promise<Outcome> => croft(["--on", `ssh://root@127.0.0.1:${wire.port}`, ...words]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "croft-on-"));
  mkdirSync(join(home(), ".ssh"), { recursive: true });
  writeFileSync(join(home(), ".ssh", "id_ed25519"), user.privateKey, { mode: 0o600 });
  cpSync(join(PROJECT, "examples", "hello"), join(home(), "sites", "hello"), { recursive: true });
  wire = await makeHost(user.publicKey);
});
afterAll(() => {
  wire.close();
  rmSync(folder, { recursive: true });
});

test("mistakes that are seen here cost no connection", async () => {
  expect((await on("config", "nowhere")).code).toBe(65);
  expect((await on("init", "x")).err).toContain("`init` works with files of this computer");
  expect((await on("confg")).err).toContain("unknown command `confg`");
  expect((await on("--host-key", "SHA256:short", "config", "sites/hello")).code).toBe(64);
  expect((await croft(["--identity", "k", "up"])).err).toContain("`--identity` means something only with --on");
  expect(wire.counts()).toEqual({ up: 0, down: 0 });
});

test("a key nobody compared ends the connection before the login", async () => {
  const unknown = await on("config", "sites/hello");
  expect(unknown).toMatchObject({ code: 1, out: "" });
  expect(unknown.err).toContain(`127.0.0.1:${wire.port} is not known here; nothing was sent\n  | offered ${print()}`);
  expect(wire.logins()).toBe(0);
  expect(existsSync(join(home(), ".config"))).toBe(false);
});

test("a trusted host says what is said here, with the same exit code", async () => {
  const trust = await croft(["host", "trust", `127.0.0.1:${wire.port}`, print()]);
  expect(trust.out).toBe(`127.0.0.1:${wire.port} is trusted with ${print()}\n`);
  expect((await croft(["host", "list"])).out).toContain(print());
  const first = await on("config", "sites/hello");
  expect({ out: first.out, code: first.code }).toEqual({ out: (await croft(["config", "sites/hello"])).out, code: 0 });
  expect(readdirSync(ship()).map((name) => name.replace(/-.*/, ""))).toEqual(["croft", "node", "site"]);
  const before = wire.counts().up;
  const json = await on("config", "sites/hello", "--json");
  const here = JSON.parse((await croft(["config", "sites/hello", "--json"])).out) as object;
  expect({ code: json.code, err: json.err }).toEqual({ code: 0, err: "" });
  expect(JSON.parse(json.out)).toEqual({ ...here, folder: expect.stringMatching(/\/ship\/site-[0-9a-f]+\/sites\/hello$/) as string });
  expect(wire.counts().up - before).toBeLessThan(40_000);
  expect(await on("config", "sites/hello", "--nonsense")).toMatchObject({
    code: 64,
    err: expect.stringContaining("Unknown option '--nonsense'"),
  });
});

test("what croft sends holds what it loads and nothing of tests", () => {
  const [croftFolder = ""] = readdirSync(ship()).filter((name) => name.startsWith("croft-"));
  const files = readdirSync(join(ship(), croftFolder), { recursive: true }).map(String);
  expect(files).toContain("node_modules/ssh2/lib/index.js");
  expect(
    files.filter((name) => /\.test\.ts$|^(test|examples|bench)|node_modules\/(typescript|vitest|playwright-core)\//.test(name)),
  ).toEqual([]);
});

test("a second key is no reason to trust it", async () => {
  const other = keyFingerprint(makeKeyPair("other").publicKey);
  const given = await on("--host-key", other, "config", "sites/hello");
  expect(given.err).toContain(`--host-key is not the key that is pinned for 127.0.0.1:${wire.port}; nothing was sent`);
  await croft(["host", "trust", `127.0.0.1:${wire.port}`, other]);
  const logins = wire.logins();
  const changed = await on("config", "sites/hello");
  expect(changed.code).toBe(1);
  expect(changed.err).toMatch(
    /has changed; nothing was sent\n {2}\| offered SHA256:\S+\n {2}\| pinned {2}SHA256:\S+ since 20\S+\n {2}= help: .*croft host trust 127/,
  );
  expect(changed.err).toContain(`croft host trust 127.0.0.1:${wire.port} ${print()}`);
  expect(wire.logins()).toBe(logins);
  await croft(["host", "trust", `127.0.0.1:${wire.port}`, print()]);
});

test("a login that is refused names what was tried", async () => {
  const file = join(home(), "other key");
  writeFileSync(file, makeKeyPair("stranger").privateKey, { mode: 0o600 });
  const refused = await on("--identity", file, "config", "sites/hello");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("lets nobody in as root with the keys that were tried");
  expect(refused.err).toContain(`tried ${file}`);
  expect(readFileSync(join(home(), ".config", "croft", "known_hosts"), "utf8")).toContain(print());
});

test("an agent's key is enough", async () => {
  const socket = join(folder, "agent");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true));
  const file = join(home(), ".ssh", "id_ed25519");
  expect(spawnSync("ssh-add", ["-q", file], { env: { PATH: process.env["PATH"], SSH_AUTH_SOCK: socket } }).status).toBe(0);
  renameSync(file, `${file}.away`);
  expect((await on("config", "sites/hello")).err).toContain("there is no key to log in with: no ssh-agent");
  expect((await croft(["--on", `ssh://root@127.0.0.1:${wire.port}`, "config", "sites/hello"], { SSH_AUTH_SOCK: socket })).code).toBe(0);
  renameSync(`${file}.away`, file);
  agent.kill();
});

/** `croft --on … up` on a terminal of its own. */
const upOnTerminal = (site: string) => {
  const config = join(home(), site, "croft.yaml");
  cpSync(join(home(), "sites", "hello"), join(home(), site), { recursive: true });
  writeFileSync(config, readFileSync(config, "utf8").replace("site: hello", `site: ${site}\nnetwork: 10.171.0.0/16`));
  const command = `${process.execPath} ${join(PROJECT, "bin", "croft")} --on ssh://root@127.0.0.1:${wire.port} up ${site}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: home(),
    env: { PATH: process.env["PATH"], HOME: home(), CROFT_ROOT: join(folder, "root"), CROFT_CACHE: join(folder, "cache"), TERM: "xterm" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  return {
    ended: new Promise<number | null>((resolve) => child.once("close", resolve)),
    out: () => out,
    type: (text: string) => void child.stdin.write(text),
    shows: (text: string) => vi.waitFor(() => expect(out).toContain(text), { timeout: 60_000, interval: 50 }),
  };
};

test("on a terminal, the key is asked for here and the plan's question is answered there", async () => {
  rmSync(join(home(), ".config"), { recursive: true });
  const terminal = upOnTerminal("asked");
  await terminal.shows("Is it the same? [y/N] ");
  terminal.type("y\n");
  await terminal.shows("Do this? [y/N] ");
  terminal.type("n\n");
  expect(await terminal.ended).toBe(1);
  expect(terminal.out()).toContain(`was never contacted from here. It shows the key\r\n  ${print()}`);
  expect(terminal.out()).toContain("\u001b[32m  + machine/web");
  expect(terminal.out()).toMatch(/Nothing was done\.\s*$/);
});

test("the first Ctrl-C goes to the job, the second one leaves it", async () => {
  const jobs = join(folder, "root", "state", ".jobs");
  const before = new Set(readdirSync(jobs));
  const terminal = upOnTerminal("left");
  await terminal.shows("Do this? [y/N] ");
  const [id = ""] = readdirSync(jobs).filter((name) => !before.has(name));
  const pid = Number(readFileSync(join(jobs, id, "pid"), "utf8"));
  process.kill(pid, "SIGSTOP");
  terminal.type("\u0003");
  await vi.waitFor(() => expect(wire.commands().join()).toContain("kill -s INT"), { timeout: 20_000 });
  terminal.type("\u0003");
  expect(await terminal.ended).toBe(130);
  expect(terminal.out()).toContain(`left 127.0.0.1:${wire.port}; the job goes on there`);
  process.kill(pid, "SIGCONT");
  await vi.waitFor(() => expect(readFileSync(join(jobs, id, "exit"), "utf8")).toBe("130\n"), { timeout: 20_000 });
});
