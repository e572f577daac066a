/** SSH connections to the machines of a site: one each per run, and one shared look at each machine. */
import { readFile } from "node:fs/promises";
import { CroftError } from "../errors.ts";
import type { Observation } from "../plan/resource.ts";
import { resourceId } from "../model/names.ts";
import type { Shell } from "../transport/shell.ts";
import { makeSshShell } from "../transport/ssh.ts";
import type { SshTarget } from "../transport/ssh.ts";
import { readView } from "./agent.ts";
import type { MachineView } from "./agent.ts";

export type ConnectionTools = {
  readonly address: (machine: string) => string | undefined;
  readonly hostKeyFile: (machine: string) => string;
  readonly privateKey: () => Promise<string>;
  /** False where the machine's hypervisor is known not to run: no need to wait for a time-out. */
  readonly isRunning: (machine: string) => Promise<boolean>;
};

export type Connections = {
  /** @throws CroftError TRANSPORT (transient) where the machine cannot be reached, HOST_KEY */
  readonly open: (machine: string) => Promise<Shell>;
  /** What the on-machine script sees; calls at the same time share one round trip. */
  readonly view: (machine: string) => Promise<MachineView>;
  /** A connection of its own, proving that the machine can be reached anew. */
  readonly fresh: (machine: string, hostKeys?: readonly string[]) => Promise<Shell>;
  /** Where and with which keys, for a terminal. */
  readonly target: (machine: string) => Promise<SshTarget>;
  readonly forget: (machine: string) => Promise<void>;
  readonly closeAll: () => Promise<void>;
};

const readKeys = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

const unreachable = (machine: string, why: string): CroftError =>
  new CroftError("TRANSPORT", `machine ${machine} cannot be reached: ${why}`, { transient: true });

export const makeConnections = (tools: ConnectionTools): Connections => {
  const shells = new Map<string, Promise<Shell>>();
  const views = new Map<string, Promise<MachineView>>();

  const target = async (machine: string, known?: readonly string[]): Promise<SshTarget> => {
    const host = tools.address(machine);
    const hostKeys = known ?? (await readKeys(tools.hostKeyFile(machine)));
    if (host === undefined) throw unreachable(machine, "it has no address yet");
    if (hostKeys.length === 0) throw unreachable(machine, "its host key is not known yet");
    return {
      label: `machine ${machine}`,
      host,
      port: 22,
      user: "root",
      privateKey: await tools.privateKey(),
      hostKeys,
      connectTimeoutMs: 8000,
    };
  };

  const fresh = async (machine: string, known?: readonly string[]): Promise<Shell> => makeSshShell(await target(machine, known));

  const open = async (machine: string): Promise<Shell> => {
    if (!(await tools.isRunning(machine))) throw unreachable(machine, "it does not run");
    const known = shells.get(machine) ?? fresh(machine);
    shells.set(machine, known);
    known.catch(() => shells.delete(machine));
    return known;
  };

  const view = (machine: string): Promise<MachineView> => {
    const looking = views.get(machine) ?? open(machine).then(readView);
    views.set(machine, looking);
    const done = (): void => void views.delete(machine);
    looking.then(done, done);
    return looking;
  };

  const forget = async (machine: string): Promise<void> => {
    const shell = shells.get(machine);
    shells.delete(machine);
    await (await shell?.catch(() => undefined))?.close();
  };

  const closeAll = async (): Promise<void> => {
    await Promise.all([...shells.keys()].map(forget));
  };
  return { open, view, fresh, target: (machine) => target(machine), forget, closeAll };
};

/** An observation that a machine which cannot be reached hides; other errors stay errors. */
export const hiddenWhenUnreachable = async (machine: string, observe: () => Promise<Observation>): Promise<Observation> => {
  try {
    return await observe();
  } catch (error) {
    if (error instanceof CroftError && error.transient) return { status: "hidden", by: resourceId("machine", machine) };
    throw error;
  }
};
