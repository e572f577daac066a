/** Processes known by pid, start time and boot id: never mistaken for a later one of the same number. */
import { readFile, readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export type Owner = {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: string;
  readonly bootId: string;
  readonly host: string;
  readonly user: string;
  readonly command: string;
  readonly since: string;
};

type Stat = { readonly parent: number; readonly state: string; readonly startTime: string };

const readStat = async (pid: number): Promise<Stat | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields === undefined ? undefined : { state: fields[0] ?? "", parent: Number(fields[1]), startTime: fields[19] ?? "" };
};

export const bootId = async (): Promise<string> => (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();

export const processStart = async (pid: number): Promise<string> => (await readStat(pid))?.startTime ?? "";

export const ownerLives = async (owner: Owner): Promise<boolean> => {
  const stat = await readStat(owner.pid);
  return stat !== undefined && stat.state !== "Z" && stat.startTime === owner.startTime && owner.bootId === (await bootId());
};

/** The process and everything it started that still is below it. */
const processTree = async (root: number): Promise<readonly number[]> => {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? await readStat(pid) : undefined;
    if (stat !== undefined) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const below = (pid: number): readonly number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root);
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
};

/** Ends an owner with all it started and sees it gone; false where it stays. */
export const endOwner = async (owner: Owner, timeoutMs: number): Promise<boolean> => {
  if (!(await ownerLives(owner))) return true;
  (await processTree(owner.pid)).forEach(kill);
  const deadline = performance.now() + timeoutMs;
  while (await ownerLives(owner)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
};
