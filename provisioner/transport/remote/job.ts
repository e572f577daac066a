/**
 * A verb on a host as a job: a folder that outlives the connection and holds its script, its output and its exit code.
 * Whether it runs is told by the lock its script holds. Pure: only commands are made here.
 */
import { basename } from "node:path";
import { jobUnitName } from "../../model/names.ts";
import { quoteWord, sh } from "../sh.ts";
import type { Command } from "../sh.ts";
import type { TarEntry } from "../tar.ts";

export type JobSpec = {
  readonly id: string;
  readonly folder: string;
  /** Who started it: a client knows its own job again after a lost connection. */
  readonly token: string;
  readonly workFolder: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Standard input stays open for answers. */
  readonly interactive: boolean;
};

export type JobState =
  | { readonly type: "absent" }
  /** `waiting` was not started yet; `lost` ended without an exit code, as by a restart of the host. */
  | { readonly type: "waiting" | "running" | "lost"; readonly token: string; readonly since: string }
  /** `seen` ended too, and a client showed it to its end. */
  | { readonly type: "ended" | "seen"; readonly token: string; readonly since: string; readonly exitCode: number };

/** A second start waits for the first one's lock and then finds that it was started. */
const renderRun = (job: JobSpec): string => `#!/bin/sh
# Written by croft: one verb, run once.
cd ${quoteWord(job.folder)} || exit 1
exec 9>lock
flock -w 5 9 || exit 0
[ ! -e started ] || exit 0
echo $$ > started.new && mv started.new started
: "\${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME
. ./environment
rm environment
trap : HUP INT TERM
code=0
cd ${quoteWord(job.workFolder)} && sh -c 'echo $$ > "$1"/pid; shift; exec "$@"' croft-job ${[job.folder, ...job.command].map(quoteWord).join(" ")} \\
  ${job.interactive ? `<>${quoteWord(`${job.folder}/input`)}` : "</dev/null"} >>${quoteWord(`${job.folder}/out`)} 2>>${quoteWord(`${job.folder}/err`)} 9>&- || code=$?
cd ${quoteWord(job.folder)}
echo $code > exit.new && sync exit.new && mv exit.new exit
`;

const renderEnvironment = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment)
    .map(([name, value]) => `export ${name}=${quoteWord(value)}\n`)
    .join("");

export const jobFiles = (job: JobSpec): readonly TarEntry[] => [
  { name: "run", mode: 0o700, content: renderRun(job) },
  { name: "environment", mode: 0o600, content: renderEnvironment(job.environment) },
  { name: "token", mode: 0o600, content: `${job.token}\n` },
  { name: "lock", mode: 0o600, content: "" },
  { name: "out", mode: 0o600, content: "" },
  { name: "err", mode: 0o600, content: "" },
];

/** Standard input (the files) becomes the job, unless there is one by now. */
export const claimCommand = (job: JobSpec): Command => {
  const jobs = job.folder.slice(0, -basename(job.folder).length - 1);
  const fresh = `.${job.id}.${job.token}`;
  return sh`umask 077; mkdir -p ${jobs} && cd ${jobs} && rm -rf ${fresh} && mkdir ${fresh} && tar -xf - -C ${fresh} --no-same-owner && touch ${`${fresh}/token`} && mkfifo ${`${fresh}/input`} && { mv -T ${fresh} ${job.id} 2>/dev/null || rm -rf ${fresh}; }`;
};

/** A unit of systemd where that is PID 1, otherwise a process of its own session. Starting twice starts once. */
export const startCommand = ({ id, folder }: Pick<JobSpec, "id" | "folder">): Command => {
  const run = `${folder}/run`;
  return sh`if [ -d /run/systemd/system ]; then systemctl is-active --quiet ${jobUnitName(id)} || systemd-run --quiet --collect --unit=${jobUnitName(id)} --description=${`croft job ${id}`} sh ${run} || systemctl is-active --quiet ${jobUnitName(id)} || [ -e ${`${folder}/started`} ]; else setsid --fork sh ${run} </dev/null >/dev/null 2>&1; fi`;
};

/** Taking the lock, even for a moment, would look like running: it is shared, and a start waits for it. */
export const stateCommand = (folder: string): Command =>
  sh`cd ${folder} 2>/dev/null || { echo absent; exit 0; }; read -r token < token; since=$(date -u -r token +%Y-%m-%dT%H:%M:%SZ); lock=held; flock -n -s lock true && lock=free; if [ -e seen ]; then echo "seen $token $since $(cat exit)"; elif [ -e exit ]; then echo "ended $token $since $(cat exit)"; elif [ $lock = held ]; then echo "running $token $since"; elif [ -e started ]; then echo "lost $token $since"; else echo "waiting $token $since"; fi`;

/** @throws Error for what `stateCommand` never prints. */
export const parseState = (text: string): JobState => {
  const [type, token = "", since = "", code = ""] = text.trim().split(" ");
  if (type === "absent") return { type };
  if ((type === "ended" || type === "seen") && /^\d+$/.test(code)) return { type, token, since, exitCode: Number(code) };
  if (type === "waiting" || type === "running" || type === "lost") return { type, token, since };
  throw new Error(`a job's state reads \`${text.trim()}\``);
};

export type Offsets = { readonly out: number; readonly err: number };

/** Both outputs from where they were left, until the job has ended. A job that does not run only gives what is there. */
export const followCommand = (folder: string, { out, err }: Offsets): Command =>
  sh`cd ${folder} || exit 1; if [ -e exit ] || flock -n -s lock true; then set --; else read -r pid < started || exit 1; set -- -s 0.2 -f --pid="$pid"; fi; tail -c ${`+${err + 1}`} "$@" err >&2 & tail -c ${`+${out + 1}`} "$@" out; wait`;

export const signalCommand = (folder: string, signal: "INT" | "TERM"): Command =>
  sh`cd ${folder} 2>/dev/null || exit 0; for try in 1 2 3 4 5 6 7 8 9 10; do if [ -e exit ]; then exit 0; fi; if [ -s pid ]; then kill -s ${signal} "$(cat pid)"; exit 0; fi; sleep 0.2; done`;

/** Standard input goes to the job. */
export const answerCommand = (folder: string): Command => sh`cat > ${`${folder}/input`}`;

/** Somebody saw the job's end. */
export const seenCommand = (folder: string): Command => sh`cd ${folder} 2>/dev/null || exit 0; [ ! -e exit ] || : > seen`;

/** Removes a job that does not run. */
export const removeCommand = (folder: string): Command =>
  sh`cd ${folder} 2>/dev/null || exit 0; [ -e exit ] || flock -n -s lock true || exit 0; gone=$(mktemp -u -d ${`${folder.slice(0, -basename(folder).length)}.gone.XXXXXX`}) && mv -T ${folder} "$gone" && rm -rf "$gone"`;
