/** What the identity service adds to its machine: files, the unit, a probe. Pure. */
import { slotId } from "../../provisioner/machine/slot-resource.ts";
import type { Endpoint, GenerationPart, SlotEntry } from "../../provisioner/model/contribution.ts";
import { CONFIG, MANAGEMENT_PORT, SLOT, UNIT } from "./names.ts";
import { renderConfig, renderUnit } from "./render.ts";
import type { KeycloakInput } from "./render.ts";

export const slotEntry: SlotEntry = {
  name: SLOT,
  mode: "0600",
  owner: "root:root",
  onChange: { unit: UNIT, action: "restart" },
};

const file = (path: string, content: string) => ({ path, mode: "0644", owner: "root:root", content });

/** Its first start makes some hundred tables. */
const PATIENCE_S = 300;

export const partOf = (machine: string, input: KeycloakInput, database: Endpoint): GenerationPart => ({
  machine,
  name: "identity",
  directories: [{ path: "/etc/croft/identity", mode: "0755", owner: "root:root" }],
  files: [file(CONFIG, renderConfig(input)), file(`/etc/systemd/system/${UNIT}`, renderUnit(input))],
  units: [{ name: UNIT, start: true, onChange: "restart", watches: [CONFIG] }],
  slots: [slotEntry],
  probes: [
    {
      name: "identity-ready",
      command: `test "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' http://127.0.0.1:${MANAGEMENT_PORT}/health/ready)" = 200`,
      timeoutSeconds: PATIENCE_S,
      unit: UNIT,
    },
  ],
  needs: [slotId(machine, SLOT), ...database.needs],
});
