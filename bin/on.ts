/** `croft --on ssh://root@HOST VERB …`: the verb runs on the host; what it needs is sent there, what it says is shown here. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { CroftError, EXIT } from "../provisioner/errors.ts";
import { remotePaths, shortHash } from "../provisioner/model/names.ts";
import { findLogins } from "../provisioner/transport/remote/identity.ts";
import type { JobSpec } from "../provisioner/transport/remote/job.ts";
import type { Pack } from "../provisioner/transport/remote/pack.ts";
import { DELAYS_MS } from "../provisioner/transport/remote/reconnect.ts";
import {
  answerJob,
  endJob,
  followJob,
  readJobFile,
  shipPacks,
  signalJob,
  startJob,
  tidyHost,
} from "../provisioner/transport/remote/session.ts";
import type { Session } from "../provisioner/transport/remote/session.ts";
import { shipPath } from "../provisioner/transport/remote/ship.ts";
import { parseAddress } from "../provisioner/transport/remote/target.ts";
import { openHost } from "../provisioner/transport/remote/trust.ts";
import type { Host } from "../provisioner/transport/remote/trust.ts";
import { openTerminal } from "../provisioner/transport/ssh.ts";
import { ask } from "./change.ts";
import { pinsFileOf } from "./commands/host.ts";
import { rootsFrom } from "./load.ts";
import type { Io } from "./main.ts";
import { splitGlobal } from "./on-options.ts";
import type { GlobalOptions } from "./on-options.ts";
import { croftPack, nodePack } from "./on-packs.ts";
import { sentSite } from "./on-site.ts";
import type { Sent } from "./on-site.ts";
import { HELP, VERBS } from "./verbs.ts";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Verbs of this computer alone. */
const HERE_ONLY = new Set(["init", "host", "docs", "completion"]);
/** Their result is worth as much to a later client: doing them again would only say that nothing is left to do. */
const CHANGING = new Set(["up", "apply", "destroy", "state"]);
const PASSED_ON = /^(CROFT_(?!TERMINAL$).*|NO_COLOR|FORCE_COLOR|TERM|LANG|TZ)$/;

const passedOn = (io: Io): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(io.environment).flatMap(([name, value]) => (value !== undefined && PASSED_ON.test(name) ? [[name, value]] : [])),
  );

type Packs = { readonly node: Pack; readonly croft: Pack; readonly sent: Sent };

const makeJob = (io: Io, verb: string, words: readonly string[], { node, croft, sent }: Packs): JobSpec => {
  const paths = remotePaths(rootsFrom(io.environment));
  const environment = { ...passedOn(io), ...sent.variables };
  const id = shortHash(JSON.stringify([sent.pack.name, verb, words, environment, io.interactive]), 16);
  const folder = paths.job(id);
  const there = sent.words.map((word, index) => {
    if (index !== sent.out?.index) return word;
    return word.startsWith("--out=") ? `--out=${folder}/plan` : `${folder}/plan`;
  });
  return {
    id,
    folder,
    token: randomUUID(),
    workFolder: shipPath(paths.ship, sent.pack, sent.workFolder),
    command: [shipPath(paths.ship, node, "node"), shipPath(paths.ship, croft, "bin", "croft"), verb, ...there],
    environment: {
      ...environment,
      PATH: `${shipPath(paths.ship, node)}:${SYSTEM_PATH}`,
      ...(io.interactive ? { CROFT_TERMINAL: String(process.stdout.columns ?? 80) } : {}),
    },
    interactive: io.interactive,
  };
};

/** The first signal goes to the job, the second one leaves it alone there. */
const watchSignals = (session: Session, job: JobSpec, abort: () => void) => {
  let leave: (error: unknown) => void = () => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = (error) => {
      abort();
      reject(error as Error);
    };
  });
  left.catch(() => {});
  let signals = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    signals += 1;
    if (signals === 1) return void signalJob(session, job, name === "SIGINT" ? "INT" : "TERM").catch(leave);
    leave(
      new CroftError("INTERRUPTED", `left ${session.shell.label}; the job goes on there`, { hint: "the same command shows how it ends" }),
    );
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return { left, stop: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal) };
};

/** What is typed here answers the job's questions. */
const passAnswers = (session: Session, job: JobSpec): (() => void) => {
  let last: Promise<unknown> = Promise.resolve();
  const onData = (bytes: Buffer): void => {
    last = last.then(() => answerJob(session, job, bytes.toString())).catch(() => {});
  };
  process.stdin.on("data", onData).resume();
  return () => void process.stdin.off("data", onData).pause();
};

const runJob = async (first: Session, job: JobSpec, takeResult: boolean, out: Sent["out"]): Promise<number> => {
  const leaving = new AbortController();
  const session = { ...first, reconnect: { ...first.reconnect, signal: leaving.signal } };
  const { left, stop } = watchSignals(session, job, () => leaving.abort());
  let stopAnswers = (): void => {};
  try {
    await Promise.race([left, startJob(session, job, takeResult)]);
    if (job.interactive) stopAnswers = passAnswers(session, job);
    const code = await Promise.race([left, followJob(session, job, (from, bytes) => void process[from].write(bytes))]);
    if (out !== undefined && (code === EXIT.ok || code === EXIT.changes)) {
      await writeFile(out.file, await readJobFile(session, job, "plan"), { mode: 0o600 });
      session.say(`the plan is here: ${out.file}`);
    }
    await endJob(session, job).catch(() => {});
    return code;
  } finally {
    stopAnswers();
    stop();
  }
};

const connect = async (io: Io, options: GlobalOptions): Promise<Host> =>
  openHost({
    address: parseAddress(options.on),
    pinsFile: pinsFileOf(io.environment),
    hostKey: options.hostKey,
    logins: await findLogins({
      identity: options.identity,
      agent: io.environment["SSH_AUTH_SOCK"],
      home: io.environment["HOME"] ?? homedir(),
    }),
    now: () => new Date().toISOString(),
    ask: io.interactive ? ask : undefined,
    say: io.error,
  });

/** A shell on a machine lives and ends with its terminal. */
const isTerminalVerb = (verb: string, words: readonly string[]): boolean => verb === "vm" && words.includes("ssh");

const runThere = async (io: Io, verb: string, words: readonly string[], sent: Sent, host: Host): Promise<number> => {
  const quiet = words.includes("--json");
  const say = (text: string): void => (quiet ? undefined : io.error(`${host.shell.label}: ${text}`));
  const session: Session = { shell: host.shell, say, reconnect: { delaysMs: DELAYS_MS, say } };
  const paths = remotePaths(rootsFrom(io.environment));
  const [node, croft] = await Promise.all([nodePack(host.platform), croftPack()]);
  if (await shipPacks(session, paths.ship, [node, croft, sent.pack]))
    await tidyHost(session, paths.ship, paths.jobs, rootsFrom(io.environment).state);
  const job = makeJob(io, verb, words, { node, croft, sent });
  if (!isTerminalVerb(verb, words)) return runJob(session, job, CHANGING.has(verb), sent.out);
  const variables = Object.entries(job.environment).filter(([name]) => name !== "CROFT_TERMINAL");
  return openTerminal(host.target, ["env", "-C", job.workFolder, ...variables.map(([name, value]) => `${name}=${value}`), ...job.command]);
};

export const runElsewhere = async (all: readonly string[], io: Io): Promise<number> => {
  const { options, words } = splitGlobal(all);
  const [verb, ...rest] = words;
  if (verb === undefined || verb === "--help" || verb === "help") {
    io.out(HELP);
    return verb === undefined ? EXIT.usage : EXIT.ok;
  }
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (known === undefined) throw new CroftError("USAGE", `unknown command \`${verb}\``, { hint: "croft --help" });
  if (HERE_ONLY.has(verb))
    throw new CroftError("USAGE", `\`${verb}\` works with files of this computer`, { hint: `without --on: croft ${words.join(" ")}` });
  const { options: ofVerb } = await known.load();
  const sent = await sentSite({ name: verb, options: ofVerb }, rest, io);
  const host = await connect(io, options);
  return runThere(io, verb, rest, sent, host).finally(() => host.shell.close());
};
