/** Releases: started beside the old one and proven by a real round trip; others then give them traffic. */
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { listInstances, withdraw } from "./instances.ts";
import { answersWell, waitReady } from "./readiness.ts";
import type { ReleasePayload } from "./resources.ts";
import { machineOf, nameOf, stopTimeoutMs, textOf } from "./tools.ts";
import type { ReleaseTools } from "./tools.ts";
import { releaseFolder, renderEnvironment, unitInstance } from "./units.ts";
import { upload } from "./upload.ts";

type Start = {
  readonly shell: Shell;
  readonly payload: ReleasePayload;
  readonly machine: string;
  readonly instance: string;
  readonly port: number;
};

const startOf = async (tools: ReleaseTools, request: ApplyRequest): Promise<Start> => {
  const { machine, instance, port } = request.resource.spec as { machine: string; instance: string; port: number };
  return { shell: await tools.connect(machine), payload: request.resource.payload as ReleasePayload, machine, instance, port };
};

/** True where the file changed. Its time says when the release was last wanted. */
const writeEnvironment = async (tools: ReleaseTools, { shell, payload, instance }: Start): Promise<boolean> => {
  const filled = await Promise.all(
    Object.entries(payload.environment).map(async ([key, template]) => [key, await tools.resolve(template)] as const),
  );
  const file = `${releaseFolder(payload.name)}/${instance}.env`;
  const fresh = `${file}.new`;
  const said = await must(
    shell,
    "writing the environment",
    sh`set -e; umask 077; cat > ${fresh}; if cmp -s ${fresh} ${file}; then rm ${fresh}; touch ${file}; echo same; exit; fi; sync -f ${fresh}; mv -T ${fresh} ${file}`,
    {
      input: renderEnvironment(Object.fromEntries(filled)),
    },
  );
  return said.trim() !== "same";
};

/**
 * Stops what an interrupted run left on the port: otherwise the old release would answer for the new one.
 * Returns the units it stopped.
 */
const clearPort = async (request: ApplyRequest, { shell, payload, instance, port }: Start): Promise<readonly string[]> => {
  const instances = await listInstances(shell, payload.name);
  const inTheWay = instances.filter((other) => other.instance !== instance && other.port === port && other.running);
  const units = inTheWay.map((other) => unitInstance(payload.name, other.instance));
  if (units.length === 0) return [];
  request.progress(`stopping ${units.join(", ")}, left on port ${port} by an earlier run`);
  await must(shell, `clearing port ${port}`, sh`systemctl stop ${units}`, { timeoutMs: stopTimeoutMs(payload.stopTimeoutSeconds) });
  return units;
};

const start = async (
  request: ApplyRequest,
  { shell, payload, machine, instance, port }: Start,
  environmentChanged: boolean,
): Promise<void> => {
  const unit = unitInstance(payload.name, instance);
  const wasActive = (await shell.run(sh`systemctl is-active --quiet ${unit}`)).ok;
  const verb = wasActive && (environmentChanged || request.step.action !== "create") ? "restart" : "start";
  const started = await shell.run(
    sh`systemctl reset-failed ${unit} 2>/dev/null; systemctl enable --quiet ${unit} && systemctl ${verb} ${unit}`,
  );
  if (!started.ok)
    throw new CroftError("PROBE_FAILED", `${unit} did not start on ${shell.label}`, {
      tail: started.stderr.trim(),
      hint: `croft vm ssh ${machine}`,
    });
  request.progress(`waiting for ${payload.ready}`);
  await waitReady(shell, { unit, port, path: payload.ready, seconds: payload.readyTimeoutSeconds });
};

/** The old release goes on serving: the new one goes, what made room for it comes back. */
const undo = async (request: ApplyRequest, { shell, payload, instance }: Start, stopped: readonly string[]): Promise<void> => {
  if (request.recorded?.spec["instance"] !== instance) await withdraw(shell, payload.name, instance);
  if (stopped.length > 0) await shell.run(sh`systemctl start ${stopped}`);
};

const applyRelease = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const wanted = await startOf(tools, request);
  request.progress("uploading");
  await upload(wanted.shell, wanted.payload.name, wanted.instance, wanted.payload.file);
  const changed = await writeEnvironment(tools, wanted);
  const stopped = await clearPort(request, wanted);
  request.progress("starting beside the old one");
  try {
    await start(request, wanted, changed);
  } catch (error) {
    // What went wrong first is what people must read.
    await undo(request, wanted, stopped).catch(() => {});
    throw error;
  }
  return { ready: wanted.payload.ready };
};

const observeRelease = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const shell = await tools.connect(machineOf(request));
    const spec = (request.resource ?? request.recorded)?.spec ?? {};
    const instances = await listInstances(shell, nameOf(request.id));
    const wanted = instances.find(({ instance }) => instance === spec["instance"]);
    const shown = wanted ?? instances.find(({ instance }) => instance === request.recorded?.spec["instance"]);
    if (shown === undefined) return { status: "absent" };
    const ready = (request.resource?.payload as ReleasePayload | undefined)?.ready ?? textOf(request.recorded?.output["ready"]);
    const healthy = shown.active && shown.enabled && (await answersWell(shell, shown.port, ready));
    const release = shown.instance === spec["instance"] ? (spec["release"] ?? "") : (request.recorded?.spec["release"] ?? "");
    return { status: "present", facts: { machine: machineOf(request), release, instance: shown.instance, port: shown.port, healthy } };
  });

const removeRelease = async (tools: ReleaseTools, request: RemoveRequest): Promise<void> => {
  const name = nameOf(request.step.id);
  const shell = await tools.connect(textOf(request.recorded.spec["machine"]));
  for (const { instance } of await listInstances(shell, name)) await withdraw(shell, name, instance);
  await must(shell, `removing releases of ${name}`, sh`rm -rf ${releaseFolder(name)}`);
};

export const makeReleaseDriver = (tools: ReleaseTools): Driver => ({
  kind: "release",
  observe: observeEach((request) => observeRelease(tools, request)),
  apply: (request) => applyRelease(tools, request),
  remove: (request) => removeRelease(tools, request),
});
