/** One verb on another host, from sending what it needs to its exit code; a lost connection is taken up where it broke. */
import { CroftError } from "../../errors.ts";
import { sh } from "../sh.ts";
import { must } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { packTar } from "../tar.ts";
import {
  answerCommand,
  claimCommand,
  followCommand,
  jobFiles,
  parseState,
  removeCommand,
  seenCommand,
  signalCommand,
  startCommand,
  stateCommand,
} from "./job.ts";
import type { JobSpec, JobState } from "./job.ts";
import type { Pack } from "./pack.ts";
import { withReconnect } from "./reconnect.ts";
import type { Reconnect } from "./reconnect.ts";
import { missingPacks, sendPack, tidyCommand } from "./ship.ts";

export type Session = {
  readonly shell: Shell;
  readonly reconnect: Reconnect;
  readonly say: (text: string) => void;
};

const ASK_TIMEOUT_MS = 30_000;

/** Sends what the host does not have. @returns whether there was anything */
export const shipPacks = async (session: Session, folder: string, packs: readonly Pack[]): Promise<boolean> => {
  let sent = false;
  await withReconnect(session.reconnect, "sending", async (progress) => {
    for (const pack of await missingPacks(session.shell, folder, packs)) {
      sent = true;
      await sendPack(session.shell, folder, pack, session.say);
      progress();
    }
  });
  return sent;
};

const stateOf = async ({ shell }: Session, folder: string): Promise<JobState> =>
  parseState(await must(shell, "asking for the job", stateCommand(folder), { timeoutMs: ASK_TIMEOUT_MS }));

const forget = (session: Session, folder: string): Promise<string> =>
  must(session.shell, "removing an old job", removeCommand(folder), { timeoutMs: ASK_TIMEOUT_MS });

const start = ({ shell }: Session, job: JobSpec): Promise<string> =>
  must(shell, "starting the job", startCommand(job), { timeoutMs: ASK_TIMEOUT_MS });

const claim = async (session: Session, job: JobSpec): Promise<void> => {
  await must(session.shell, "writing the job", claimCommand(job), { input: await packTar(jobFiles(job)), timeoutMs: ASK_TIMEOUT_MS });
  await start(session, job);
};

const isStale = (found: JobState, job: JobSpec, result: boolean): boolean => {
  if (found.type === "absent" || found.token === job.token) return false;
  return found.type === "seen" || found.type === "lost" || (found.type === "ended" && !result);
};

const ANOTHER = {
  running: (since: string) => `this very command runs there already, since ${since}; this is its output`,
  ended: (since: string) => `this very command ended while nobody was connected, begun ${since}; this is its result`,
} as const;

/** True where a job that is there already is the one to follow. */
const takeOver = async (session: Session, job: JobSpec, found: JobState, result: boolean): Promise<boolean> => {
  if (isStale(found, job, result)) await forget(session, job.folder);
  if (found.type === "absent" || isStale(found, job, result)) return false;
  if (found.type === "waiting") await start(session, job);
  if (found.token !== job.token && (found.type === "running" || found.type === "ended")) session.say(ANOTHER[found.type](found.since));
  return true;
};

/** Makes sure that the job exists and was started; `takeResult` says whether an end that nobody saw is this one's, too. */
export const startJob = (session: Session, job: JobSpec, takeResult: boolean): Promise<void> =>
  withReconnect(session.reconnect, "starting", async () => {
    if (!(await takeOver(session, job, await stateOf(session, job.folder), takeResult))) await claim(session, job);
    await waitStarted(session, job);
  });

const STARTED_TRIES = 50;

const waitStarted = async (session: Session, job: JobSpec): Promise<void> => {
  for (let tries = 0; tries < STARTED_TRIES; tries += 1) {
    const { type } = await stateOf(session, job.folder);
    if (type !== "waiting") return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new CroftError("COMMAND_FAILED", `the job did not start on ${session.shell.label}`, {
    hint: "journalctl -e shows why, on the host",
  });
};

export type Sink = (from: "stdout" | "stderr", bytes: Uint8Array) => void;

/** Passes on the job's output, each byte once, until it has ended. @returns its exit code */
export const followJob = async (session: Session, job: Pick<JobSpec, "folder">, sink: Sink): Promise<number> => {
  const seen = { out: 0, err: 0 };
  let token: string | undefined;
  return withReconnect(session.reconnect, "following", async (progress) => {
    for (;;) {
      const before = await stateOf(session, job.folder);
      if (before.type === "absent" || (token ??= before.token) !== before.token) throw lostJob(session);
      await session.shell.run(followCommand(job.folder, seen), {
        onBytes: (from, bytes) => {
          progress();
          seen[from === "stdout" ? "out" : "err"] += bytes.length;
          sink(from, bytes);
        },
      });
      if (before.type === "ended" || before.type === "seen") return before.exitCode;
      if (before.type === "lost") throw lostJob(session);
    }
  });
};

const lostJob = (session: Session): CroftError =>
  new CroftError("COMMAND_FAILED", `the job ended on ${session.shell.label} without a result, as when the host restarts`, {
    hint: "run the same command again: it goes on from there",
  });

/** A file that the job wrote into its folder. */
export const readJobFile = (session: Session, job: Pick<JobSpec, "folder">, name: string): Promise<Buffer> =>
  withReconnect(session.reconnect, "fetching", async () => {
    const chunks: Uint8Array[] = [];
    const onBytes = (from: "stdout" | "stderr", bytes: Uint8Array): void => void (from === "stdout" && chunks.push(bytes));
    await must(session.shell, `reading ${name}`, sh`cat ${`${job.folder}/${name}`}`, { onBytes });
    return Buffer.concat(chunks);
  });

/** Removes from the host what nobody used for long. */
export const tidyHost = (session: Session, ship: string, jobs: string, state: string): Promise<unknown> =>
  withReconnect(session.reconnect, "tidying", () => session.shell.run(tidyCommand(ship, jobs, state)));

/** Its output was shown: the next run of the same command is a new one. */
export const endJob = (session: Session, job: Pick<JobSpec, "folder">): Promise<unknown> =>
  withReconnect(session.reconnect, "tidying", () => session.shell.run(seenCommand(job.folder), { timeoutMs: ASK_TIMEOUT_MS }));

export const signalJob = (session: Session, job: Pick<JobSpec, "folder">, signal: "INT" | "TERM"): Promise<unknown> =>
  withReconnect(session.reconnect, "interrupting", () => session.shell.run(signalCommand(job.folder, signal)));

export const answerJob = (session: Session, job: Pick<JobSpec, "folder">, text: string): Promise<unknown> =>
  withReconnect(session.reconnect, "answering", () =>
    session.shell.run(answerCommand(job.folder), { input: text, timeoutMs: ASK_TIMEOUT_MS }),
  );
