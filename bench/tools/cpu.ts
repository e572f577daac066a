/** CPU time that processes have used: steadier than their speed where others use the same CPUs. */
import { readFileSync, readdirSync } from "node:fs";

const TICK_US = 10_000;

/** After the name, which may hold anything: state, parent, …; undefined: the process is gone. */
const fieldsOf = (pid: number): readonly string[] | undefined => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
  } catch {
    return undefined;
  }
};

const childrenOf = (pid: number): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => fieldsOf(one)?.[1] === String(pid));

/** Microseconds, user and system, of these processes and their children. */
export const cpuOf = (pids: readonly number[]): number =>
  pids
    .flatMap((pid) => [pid, ...childrenOf(pid)])
    .map(fieldsOf)
    .reduce((sum, fields) => sum + (Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)) * TICK_US, 0);
