/** Static releases: uploaded beside the old one, then a link moves. */
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { StaticPayload } from "./resources.ts";
import { KEPT_RELEASES, machineOf, nameOf, textOf } from "./tools.ts";
import type { ReleaseTools } from "./tools.ts";
import { releaseFolder } from "./units.ts";
import { upload } from "./upload.ts";

/** A link to a folder that is gone is no release. */
const observeStatic = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const machine = machineOf(request);
    const shell = await tools.connect(machine);
    const found = await shell.run(sh`cd ${releaseFolder(nameOf(request.id))} && test -d current/ && readlink current`);
    return found.ok ? { status: "present", facts: { machine, release: found.stdout.trim() } } : { status: "absent" };
  });

const applyStatic = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const payload = request.resource.payload as StaticPayload;
  const { machine, release } = request.resource.spec as { machine: string; release: string };
  const shell = await tools.connect(machine);
  const base = releaseFolder(payload.name);
  request.progress("uploading");
  await upload(shell, payload.name, release, payload.file, payload.config);
  await must(
    shell,
    `switching ${payload.name} to ${release}`,
    sh`set -e; cd ${base}; touch ${release}; ln -sfn ${release} current.new; mv -T current.new current; sync -f .; ls -1dt */ | sed ${"s|/$||"} | grep -vxF -e current -e ${release} | tail -n +${KEPT_RELEASES} | while read -r old; do rm -rf "./$old"; done`,
  );
  return {};
};

const removeStatic = async (tools: ReleaseTools, request: RemoveRequest): Promise<void> => {
  const shell = await tools.connect(textOf(request.recorded.spec["machine"]));
  await must(shell, "removing a static release", sh`rm -rf ${releaseFolder(nameOf(request.step.id))}`);
};

export const makeStaticDriver = (tools: ReleaseTools): Driver => ({
  kind: "static",
  observe: observeEach((request) => observeStatic(tools, request)),
  apply: (request) => applyStatic(tools, request),
  remove: (request) => removeStatic(tools, request),
});
