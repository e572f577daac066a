/** What the object store adds to its machine: files, units, a slot, a probe. Pure. */
import { slotId } from "../../provisioner/machine/slot-resource.ts";
import type { FileEntry, GenerationPart, SlotEntry } from "../../provisioner/model/contribution.ts";
import { resourceId } from "../../provisioner/model/names.ts";
import { IDENTITY_SLOT, MOUNT_UNIT, SERVICE, UNIT } from "./names.ts";
import { READY, renderGuard, renderMount, renderProbe, renderReady, renderUnit } from "./render.ts";
import type { StoreInput } from "./render.ts";
import type { Section } from "./section.ts";

export const IDENTITY: SlotEntry = {
  name: IDENTITY_SLOT,
  mode: "0600",
  owner: "root:root",
  onChange: { unit: UNIT, action: "restart" },
};

const file = (path: string, content: string, mode = "0644"): FileEntry => ({ path, mode, owner: "root:root", content });
const PROBE = "/usr/lib/croft/objects-probe";

export const partOf = (section: Section, input: StoreInput): GenerationPart => ({
  machine: section.machine,
  name: SERVICE,
  directories: [],
  files: [
    file("/usr/lib/croft/objects-guard", renderGuard(input.program), "0755"),
    file(PROBE, renderProbe(input), "0755"),
    ...(input.program === "seaweedfs" ? [file(READY, renderReady(input), "0755")] : []),
    file(`/etc/systemd/system/${MOUNT_UNIT}`, renderMount(input)),
    file(`/etc/systemd/system/${UNIT}`, renderUnit(input)),
  ],
  units: [
    { name: MOUNT_UNIT, start: true, onChange: "restart", watches: [] },
    { name: UNIT, start: true, onChange: "restart", watches: [] },
  ],
  slots: [IDENTITY],
  probes: [{ name: "objects-round-trip", command: `sh ${PROBE}`, timeoutSeconds: 60, unit: UNIT }],
  needs: [slotId(section.machine, IDENTITY_SLOT), resourceId("disk", `${section.machine}-${section.disk}`)],
});
