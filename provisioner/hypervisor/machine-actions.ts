/** What an operator does to one machine between runs: start, stop, pause, resume, and grow it while it runs. */
import { join } from "node:path";
import { CroftError } from "../errors.ts";
import type { ApplyRequest, Driver } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import { replaceFile } from "../host/files.ts";
import { shortHash } from "../model/names.ts";
import type { JsonObject } from "../plan/resource.ts";
import { makeClient } from "./client.ts";
import type { HypervisorClient } from "./client.ts";
import { makeLauncher } from "./launcher.ts";
import { planLive } from "./live.ts";
import type { LiveChange } from "./live.ts";
import { boot, observeMachine, readText, specFile } from "./machine-driver.ts";
import type { MachinePaths, MachineTools } from "./machine-driver.ts";
import type { MachinePayload } from "./machine-resource.ts";

export type MachineAction = "start" | "stop" | "pause" | "resume" | "grow";

const withClient = <T>(paths: MachinePaths, act: (client: HypervisorClient) => Promise<T>): Promise<T> => {
  const client = makeClient(paths.socket);
  return act(client).finally(() => client.close());
};

/** One kind of change per call, as the program wants it; a disk that is attached already stays. */
const grow = async (client: HypervisorClient, { cpus, memoryBytes, disks }: LiveChange): Promise<void> => {
  if (cpus !== undefined) await client.resize({ desired_vcpus: cpus });
  if (memoryBytes !== undefined) await client.resize({ desired_ram: memoryBytes });
  const attached = new Set(((await client.info()).config.disks ?? []).map(({ path }) => path));
  for (const disk of disks.filter(({ path }) => !attached.has(path))) {
    await client.addDisk({ ...disk, ...(disk.serial === undefined ? {} : { id: disk.serial }) });
  }
};

/** The files follow what runs: the next plan finds nothing to do, and the next start begins with the new size. */
const growMachine = async (paths: MachinePaths, request: ApplyRequest): Promise<void> => {
  const payload = request.resource.payload as MachinePayload;
  const plan = planLive((await readText(paths.vmJson)) ?? "", payload.vmJson);
  if ("restart" in plan) throw new CroftError("STEP_FAILED", plan.restart, { hint: "croft up" });
  await withClient(paths, (client) => grow(client, plan.change));
  await replaceFile(paths.vmJson, payload.vmJson, 0o600);
  await replaceFile(paths.runScript, payload.runScript, 0o700);
  await replaceFile(join(paths.run, "started"), `${shortHash(payload.vmJson, 16)}\n`, 0o600);
  await replaceFile(specFile(paths), `${JSON.stringify(request.resource.spec)}\n`, 0o600);
};

const act = async (tools: MachineTools, action: MachineAction, request: ApplyRequest): Promise<void> => {
  const name = request.step.id.slice("machine/".length);
  const paths = tools.paths(name);
  if (action === "start") return void (await boot(tools, paths, request));
  if (action === "pause") return withClient(paths, (client) => client.pause());
  if (action === "resume") return withClient(paths, (client) => client.resume());
  if (action === "grow") return growMachine(paths, request);
  request.progress("pressing its power button");
  await tools.disconnect(name);
  await makeLauncher(tools).stop(name, paths);
};

/** A machine's driver whose one way to apply is this action; what is remembered of the machine stays. */
export const makeActionDriver = (tools: MachineTools, action: MachineAction): Driver => ({
  kind: "machine",
  observe: observeEach((request) => observeMachine(tools, request)),
  apply: async (request): Promise<JsonObject> => {
    await act(tools, action, request);
    return request.recorded?.output ?? {};
  },
  remove: async () => {
    throw new CroftError("BUG", "an action removes no machine");
  },
});
