/** Effects of generations: stage, activate, prove, or be taken back. */
import { CroftError } from "../errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import type { JsonObject, Observation } from "../plan/resource.ts";
import { packTar } from "../transport/tar.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { agentError, callAgent } from "./agent.ts";
import type { MachineView } from "./agent.ts";
import { hiddenWhenUnreachable } from "./connections.ts";
import type { Connections } from "./connections.ts";
import { INTACT } from "./generation.ts";
import type { Generation, GenerationPayload } from "./generation.ts";
import { packFromImage } from "./image-files.ts";
import { settledView } from "./settled.ts";

const machineOf = (request: ObserveRequest): string => String((request.resource ?? request.recorded)?.spec["machine"] ?? "");

const shortDigest = (state: string): string => (state.length === 64 ? state.slice(0, 12) : state);

const packagesFact = (packages: MachineView["packages"]): string => {
  const paths = Object.entries(packages);
  return paths.length === 0 ? INTACT : paths.map(([path, how]) => `${path} ${how}`).join(", ");
};

const toFacts = (machine: string, view: MachineView): JsonObject => ({
  machine,
  generation: view.current,
  files: Object.fromEntries(Object.entries(view.files).map(([path, state]) => [path, shortDigest(state)])),
  directories: view.directories,
  units: view.units,
  firewall: view.firewallIntact ? INTACT : "changed by hand",
  packages: packagesFact(view.packages),
  pending: view.pending === "-" ? "none" : view.pending,
});

const observeOne = (connections: Connections, request: ObserveRequest): Promise<Observation> => {
  const machine = machineOf(request);
  return hiddenWhenUnreachable(machine, async () => {
    const view = await settledView(() => connections.view(machine));
    if (view.current === "-") return { status: "absent" };
    const damaged = Object.keys(view.packages);
    return {
      status: "present",
      facts: toFacts(machine, view),
      info: { diskFreeBytes: view.diskFreeBytes, systemd: view.systemd, damaged },
    };
  });
};

const stage = async (shell: Shell, generation: Pick<Generation, "id" | "machine" | "entries">): Promise<void> => {
  const payload = await packTar(generation.entries);
  const result = await callAgent(shell, ["stage", generation.id], { payload });
  if (!result.ok) throw agentError(`staging generation ${generation.id}`, shell, result, `croft vm ssh ${generation.machine}`);
};

type Activation = { readonly connections: Connections; readonly generation: Generation; readonly hasPrevious: boolean };

const cutOff = ({ generation: { machine, id }, hasPrevious }: Activation, cause: unknown): CroftError =>
  new CroftError(
    "PROBE_FAILED",
    `machine ${machine} cannot be reached after its network or firewall changed with generation ${id}; ${hasPrevious ? "it goes back by itself within 60 s" : "it has no earlier one to go back to"}`,
    { cause, hint: hasPrevious ? "croft plan" : `croft vm log ${machine}` },
  );

/** Over a connection of its own. */
const withFresh = async <T>({ connections, generation }: Activation, work: (shell: Shell) => Promise<T>): Promise<T> => {
  const shell = await connections.fresh(generation.machine);
  return work(shell).finally(() => shell.close());
};

/** A connection that broke is tried again only where the machine still answers: otherwise it is the new generation that broke it. */
const blame = async (activation: Activation, error: unknown): Promise<never> => {
  if (!(error instanceof CroftError && error.transient)) throw error;
  await activation.connections.forget(activation.generation.machine);
  await withFresh(activation, (shell) => must(shell, "saying hello", sh`true`, { timeoutMs: 10_000 })).catch((cause: unknown) =>
    Promise.reject(cutOff(activation, cause)),
  );
  throw error;
};

/** The generation holds back its last step until somebody has reached the machine anew. */
const confirm = (activation: Activation): Promise<void> =>
  withFresh(activation, async (shell) => {
    const result = await callAgent(shell, ["confirm", activation.generation.id]);
    if (!result.ok) throw agentError("confirming the generation", shell, result, "croft plan");
  }).catch((cause: unknown) => Promise.reject(cutOff(activation, cause)));

/** Files of packages that were changed come back from the image; all else the generation itself puts right. */
const restore = async (tools: GenerationTools, shell: Shell, request: ApplyRequest, image: string): Promise<void> => {
  const damaged = request.observed.status === "present" ? request.observed.info?.["damaged"] : undefined;
  if (!Array.isArray(damaged) || damaged.length === 0) return;
  request.progress(`restoring ${damaged.length} files of Debian packages from the image`);
  const payload = await packFromImage(tools.host, image, damaged.map(String));
  const result = await callAgent(shell, ["restore"], { payload, timeoutMs: 120_000 });
  if (!result.ok) throw agentError("restoring files of packages", shell, result, `croft vm ssh ${shell.label.split(" ").at(-1) ?? ""}`);
};

const activate = async (tools: GenerationTools, request: ApplyRequest): Promise<void> => {
  const { connections } = tools;
  const { generation, image } = request.resource.payload as GenerationPayload;
  const activation: Activation = { connections, generation, hasPrevious: request.observed.status !== "absent" };
  const shell = await connections.open(generation.machine);
  await restore(tools, shell, request, image);
  request.progress("sending files");
  await stage(shell, generation);
  request.progress("starting units");
  const result = await callAgent(shell, ["activate", generation.id], { unit: "croft-activate", timeoutMs: 300_000 }).catch(
    (error: unknown) => blame(activation, error),
  );
  if (!result.ok) {
    throw agentError(
      `activating generation ${generation.id}`,
      shell,
      result,
      `the previous generation is back; look at the log above, or run \`croft vm ssh ${generation.machine}\``,
    );
  }
  if (result.stdout.includes("croft-confirm")) await confirm(activation);
};

/** Leaves the machine with nothing of croft running; the machine itself usually goes next. */
const remove = async (connections: Connections, request: RemoveRequest): Promise<void> => {
  const machine = String(request.recorded.spec["machine"]);
  const units = Object.keys((request.recorded.spec["units"] ?? {}) as JsonObject);
  const shell = await connections.open(machine);
  const empty = { id: "none", machine, entries: [{ name: "manifest", content: "", mode: 0o600 }] };
  request.progress(`stopping ${units.length} units`);
  await stage(shell, empty);
  const result = await callAgent(shell, ["activate", "none"], { timeoutMs: 120_000 });
  if (!result.ok) throw agentError("removing the generation", shell, result, `croft vm ssh ${machine}`);
};

export type GenerationTools = {
  readonly connections: Connections;
  /** The host that keeps the images. */
  readonly host: Shell;
};

export const makeGenerationDriver = (tools: GenerationTools): Driver => ({
  kind: "generation",
  observe: observeEach((request) => observeOne(tools.connections, request)),
  apply: async (request) => {
    await activate(tools, request);
    return {};
  },
  remove: (request) => remove(tools.connections, request),
});
