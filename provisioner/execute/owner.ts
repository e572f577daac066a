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

type Process = {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly session: string;
  readonly startTime: string;
};

/** Undefined where there is no such process any more. */
const readProcess = async (pid: number): Promise<Process | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ") as readonly string[];
  const [state = "", parent, , session = ""] = fields;
  return { pid, state, parent: Number(parent), session, startTime: fields[19] as string };
};

export const bootId = async (): Promise<string> => (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();

/** Empty where there is no such process. */
export const processStart = async (pid: number): Promise<string> => (await readProcess(pid))?.startTime ?? "";

const isSame = async (known: Pick<Process, "pid" | "startTime">): Promise<boolean> => {
  const found = await readProcess(known.pid);
  return found !== undefined && found.state !== "Z" && found.startTime === known.startTime;
};

export const ownerLives = async (owner: Owner): Promise<boolean> => owner.bootId === (await bootId()) && isSame(owner);

/** The process and what it started in its own session; what has a session of its own (a hypervisor) is meant to outlive it. */
const processTree = async (root: Process): Promise<readonly Process[]> => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const inSession = (await Promise.all(pids.map(readProcess))).filter((found) => found?.session === root.session) as readonly Process[];
  const children = Map.groupBy(inSession, (found) => found.parent);
  const below = (found: Process): readonly Process[] => [found, ...(children.get(found.pid) ?? []).flatMap(below)];
  return below(root);
};

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone between the look and the signal.
  }
};

const stillThere = async (known: readonly Process[]): Promise<readonly Process[]> => {
  const same = await Promise.all(known.map(isSame));
  return known.filter((_, index) => same[index]);
};

/** Ends an owner with all it started and sees all of it gone; false where something stays. A process never ends itself. */
export const endOwner = async (owner: Owner, timeoutMs: number): Promise<boolean> => {
  const root = (await ownerLives(owner)) ? await readProcess(owner.pid) : undefined;
  if (root === undefined) return true;
  if (root.pid === process.pid) return false;
  // Stopped first: it can start nothing new while its children are counted.
  send(root.pid, "SIGSTOP");
  const tree = await processTree(root);
  for (const { pid } of await stillThere(tree)) send(pid, "SIGKILL");
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if ((await stillThere(tree)).length === 0) return true;
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
};
