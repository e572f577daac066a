/** The command line as a user runs it, in a root of its own, and what the tests ask of host and machines. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Defect } from "./defect.ts";

export const PROJECT = join(import.meta.dirname, "..", "..");
/** State and sockets of the tests; short, since socket paths are. */
export const ROOT = "/tmp/croft-e2e";

export type Outcome = {
  readonly code: number;
  readonly signal: string | undefined;
  readonly out: string;
  readonly err: string;
  readonly durationMs: number;
};

export type RunOptions = { readonly environment?: Readonly<Record<string, string>>; readonly onStart?: (pid: number) => void };

/** Runs `croft WORDS`; never throws for an exit code. */
export const croft = (words: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [join(PROJECT, "bin", "croft"), ...words], {
      cwd: PROJECT,
      env: { ...process.env, CROFT_ROOT: ROOT, NO_COLOR: "1", ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({ code: code ?? 128, signal: signal ?? undefined, out, err, durationMs: performance.now() - started }),
    );
    if (child.pid !== undefined) options.onStart?.(child.pid);
  });

/** The environment in which croft has a fault in what it renders. */
export const withDefect = (defect: Defect): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=${join(import.meta.dirname, "defect.ts")}`,
  CROFT_TEST_DEFECT: JSON.stringify(defect),
});

/** Runs and demands success; the error shows all that was printed. */
export const mustCroft = async (...words: readonly string[]): Promise<Outcome> => {
  const outcome = await croft(words);
  if (outcome.code !== 0) throw new Error(`croft ${words.join(" ")} exited ${outcome.code}\n${outcome.out}\n${outcome.err}`);
  return outcome;
};

export const program = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.once("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${command} exited ${code}: ${err}`))));
  });

/** A site of its own below the project: each file by its path. Its folder; made anew. */
export const writeSite = (name: string, files: Readonly<Record<string, string>>): string => {
  const folder = join(PROJECT, "test", ".sites", name);
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};

/** Brings a site up where none is left; its CA in PEM. */
export const upAnew = async (site: string): Promise<string> => {
  await croft(["destroy", "--purge", site]);
  const { out } = await mustCroft("up", site);
  const [, authority = ""] = /site's own CA: (\S+)/.exec(out) ?? [];
  return readFileSync(authority, "utf8");
};

/** A program's text with its packages in one file, as the example's build makes it. */
export const bundle = async (text: string, target: string): Promise<void> => {
  const source = `${target}.source.mjs`;
  writeFileSync(source, text);
  const bundler = join(PROJECT, "node_modules", ".bin", "esbuild");
  await program(`${bundler} ${source} --bundle --platform=node --external:pg-native --log-level=error --outfile=${target}`);
  rmSync(source);
};

/** A command on a machine, by croft's own way in. */
export const onMachine = async (site: string, machine: string, command: string): Promise<string> =>
  (await mustCroft("vm", "ssh", machine, "--file", site, "--", "sh", "-c", command)).out;

/** What the newest instance of the workload `api` of the app `note` is told. */
export const environmentOfApi = async (site: string): Promise<Readonly<Record<string, string>>> => {
  const text = await onMachine(site, "app", "cat $(ls -t /var/lib/croft/releases/note-api/*.env | head -n 1)");
  return Object.fromEntries([...text.matchAll(/^(\w+)="(.*)"$/gm)].map(([, name = "", value = ""]) => [name, value]));
};

/** A copy of an example that a test may change; below the project, so that its build finds its packages. */
export const copySite = (example: string): string => {
  const target = join(PROJECT, "test", ".sites", example);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, ".."), { recursive: true });
  cpSync(join(PROJECT, "examples", example), target, { recursive: true, filter: (path) => !/\/(node_modules|dist)$/.test(path) });
  return target;
};

export const editFile = (file: string, from: string | RegExp, to: string): void => {
  const text = readFileSync(file, "utf8");
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`nothing to replace in ${file}`);
  writeFileSync(file, edited);
};

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Names, sizes and times of everything croft keeps on a machine, and its units. Data of PostgreSQL writes by itself. */
export const machineInventory = (site: string, machine: string): Promise<string> =>
  onMachine(
    site,
    machine,
    "find /etc /usr/lib/croft /var/lib/croft -xdev -path /var/lib/croft/postgres -prune -o -printf '%p %T@ %s %m %u\\n' | sort; systemctl list-units --state=active --plain --no-legend --type=service | awk '{print $1}' | grep -v -e ssh -e session -e user | sort; ip -br address",
  ).then(digest);

/** Names, sizes and times of croft's files on the host; consoles and disks are written by their machines. */
export const hostFiles = async (): Promise<readonly string[]> =>
  (
    await program(
      `find ${ROOT} /var/cache/croft -path /var/cache/croft/test -prune -o -not -name console.log -not -name events.json -not -name '*.raw' -printf '%p %T@ %s %m\\n' | sort`,
    )
  ).split("\n");
