/** One running hypervisor, known by pid and start time, never by pid alone. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { doorPoint } from "../execute/faults.ts";

export type ProcessId = { readonly pid: number; readonly startTime: string };

/** Field 22 of /proc/PID/stat, in clock ticks since boot; undefined where no such process lives. */
const startTime = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? undefined : fields?.[19];
};

/** The process a pid file names, if it still is that process. */
export const findProcess = async (pidFile: string): Promise<ProcessId | undefined> => {
  const [pid, since] = (await readFile(pidFile, "utf8").catch(() => "")).trim().split(" ");
  if (pid === undefined || since === undefined || pid === "") return undefined;
  const found = { pid: Number(pid), startTime: since };
  return (await isAlive(found)) ? found : undefined;
};

export const isAlive = async (known: ProcessId): Promise<boolean> => (await startTime(known.pid)) === known.startTime;

/** Waits until the process is gone; false after `timeoutMs`. */
export const waitGone = async (known: ProcessId, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (!(await isAlive(known))) return true;
    await sleep(25);
  }
  return !(await isAlive(known));
};

export const killProcess = async (known: ProcessId): Promise<void> => {
  await doorPoint("before");
  if (await isAlive(known)) process.kill(known.pid, "SIGKILL");
  await waitGone(known, 5000);
  await doorPoint("after");
};
