/** An app's own transaction, run in a child that can read the site's folder and nothing else of this computer. */
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import type { App, AppSmoke, Model } from "../../provisioner/model/types.ts";
import type { Answer, Mode, Task } from "./contract.ts";

export type Half =
  | { readonly mode: "run"; readonly user: string; readonly realm: string }
  | { readonly mode: "read-only"; readonly reason: string };

/** Who may log in and write: a test user, where there are any. Pure. */
export const chooseHalf = (model: Model, { oidc, smoke }: App): Half => {
  const user = oidc?.testUsers.find(({ name }) => name === smoke?.user)?.name;
  if (model.mode !== "development") return { mode: "read-only", reason: "in production nobody logs in and nothing is written" };
  if (oidc === undefined || user === undefined) return { mode: "read-only", reason: "`smoke.user` names no test user" };
  if (oidc.issuer !== undefined) return { mode: "read-only", reason: "people of another provider have no password here" };
  return { mode: "run", user, realm: oidc.realm };
};

export const originsOf = ({ origins }: AppSmoke): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(origins).map(([name, host]) => [name, `https://${host}`]));

export type TransactionInput = Omit<Task, "module" | "mode"> & {
  readonly mode: Mode;
  /** Folder that holds croft.yaml. */
  readonly folder: string;
  readonly smoke: AppSmoke;
};

const TIMEOUT_MS = 180_000;

const flagsFor = (folder: string): readonly string[] => [
  "--permission",
  `--allow-fs-read=${realpathSync(import.meta.dirname)}/`,
  `--allow-fs-read=${folder}/`,
  "--disable-warning=ExperimentalWarning",
];

const parseAnswer = (written: string): Answer | undefined => {
  try {
    return JSON.parse(written) as Answer;
  } catch {
    return undefined;
  }
};

/** Of what a child complained about, the end; never the password. */
const lastLines = (said: string): string => said.trim().split("\n").slice(-3).join(" ");

const hide = (answer: Answer, password: string | undefined): Answer =>
  password === undefined || password === "" ? answer : (JSON.parse(JSON.stringify(answer).replaceAll(password, "•••")) as Answer);

/** Never throws for what the module does: that is an answer, too. */
export const runTransaction = async ({ folder, smoke, ...rest }: TransactionInput, timeoutMs = TIMEOUT_MS): Promise<Answer> => {
  const home = realpathSync(folder);
  const task: Task = { ...rest, module: pathToFileURL(join(home, smoke.module)).href };
  const child = spawn(process.execPath, [...flagsFor(home), join(realpathSync(import.meta.dirname), "child.ts")], {
    cwd: home,
    env: {},
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  // A child that ends before it read its task is told of by its exit.
  child.stdin?.on("error", () => {});
  child.stdin?.end(JSON.stringify(task));
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(signal === "SIGKILL" ? `it did not end within ${timeoutMs / 1000} s` : `it ended with ${code}`),
    );
  });
  const [written, said] = await Promise.all([text(child.stdio[3] as Readable), text(child.stdio[2] as Readable)]);
  const how = await ended;
  clearTimeout(timer);
  const answer = parseAnswer(written) ?? { kind: "error", message: `${smoke.module} gave no answer: ${how}. ${lastLines(said)}`.trim() };
  return hide(answer, task.password);
};
