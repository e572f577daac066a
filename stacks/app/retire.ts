/** Retiring: what gets no traffic any more is drained; a few releases stay to go back to. */
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import { listInstances } from "./instances.ts";
import type { RetirePayload } from "./resources.ts";
import { KEPT_RELEASES, machineOf, nameOf, stopTimeoutMs } from "./tools.ts";
import type { ReleaseTools } from "./tools.ts";
import { releaseFolder, unitInstance } from "./units.ts";

const observeRetire = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const shell = await tools.connect(machineOf(request));
    const instances = await listInstances(shell, nameOf(request.id));
    const found = instances.filter(({ running, enabled }) => running || enabled).map(({ instance }) => instance);
    return { status: "present", facts: { machine: machineOf(request), running: found.toSorted() } };
  });

/** Each within its own stop time-out. */
const applyRetire = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const name = nameOf(request.step.id);
  const { machine, running: wanted } = request.resource.spec as { machine: string; running: readonly string[] };
  const { stopTimeoutSeconds } = request.resource.payload as RetirePayload;
  const shell = await tools.connect(machine);
  for (const { instance, running, enabled } of await listInstances(shell, name)) {
    if (wanted.includes(instance) || (!running && !enabled)) continue;
    request.progress(`draining ${instance}`);
    await must(shell, `stopping release ${instance} of ${name}`, sh`systemctl disable --quiet --now ${unitInstance(name, instance)}`, {
      timeoutMs: stopTimeoutMs(stopTimeoutSeconds),
    });
  }
  await must(
    shell,
    `removing old releases of ${name}`,
    sh`cd ${releaseFolder(name)} && ls -1t *.env | sed ${"s/\\.env$//"} | grep -vxF ${wanted[0] ?? ""} | tail -n +${KEPT_RELEASES} | while read -r old; do rm -rf "./$old" "./$old.env"; done`,
  );
  return {};
};

export const makeRetireDriver = (tools: ReleaseTools): Driver => ({
  kind: "retire",
  observe: observeEach((request) => observeRetire(tools, request)),
  apply: (request) => applyRetire(tools, request),
  // Removing the release stops all of its instances.
  remove: async () => {},
});
