/** Where a workload's requests go now: one slot on the gateway machine, changed by each deploy. Pure. */
import type { SlotEntry } from "../provisioner/model/contribution.ts";
import { workloadName } from "../provisioner/model/names.ts";
import type { Resource, ResourceId } from "../provisioner/plan/resource.ts";
import { makeSlot, slotId } from "../provisioner/machine/slot-resource.ts";
import { makeTemplate } from "./handlebars.ts";
import { safeAddress, safeName, safePort } from "./safe.ts";
import type { Safe } from "./safe.ts";

export const GATEWAY_UNIT = "croft-gateway.service";

/** Every slot of the gateway is taken over by a proven reload. */
export const onGatewayChange: NonNullable<SlotEntry["onChange"]> = {
  unit: GATEWAY_UNIT,
  action: "reload",
  check: "/usr/lib/croft/gateway check",
};

export const trafficSlotName = (app: string, workload: string): string => `traffic-${workloadName(app, workload)}`;
export const trafficSlotId = (machine: string, app: string, workload: string): ResourceId =>
  slotId(machine, trafficSlotName(app, workload));

export const trafficEntry = (app: string, workload: string): SlotEntry => ({
  name: trafficSlotName(app, workload),
  mode: "0644",
  owner: "root:root",
  onChange: onGatewayChange,
});

/** Node closes idle connections after 5 s: the gateway lets go before, so that none breaks under a POST. */
const UPSTREAM = `upstream {{name}} {
    zone {{name}} 64k;
    server {{address}}:{{port}} max_fails=0;
    keepalive 32;
    keepalive_timeout 4s;
    keepalive_requests 10000;
}
`;

const renderTemplate = makeTemplate<{ name: Safe; address: Safe; port: Safe }>(UPSTREAM);

export const renderUpstream = (name: string, address: string, port: number): string =>
  renderTemplate({ name: safeName(name), address: safeAddress(address), port: safePort(port) });

export type Traffic = {
  readonly app: string;
  readonly workload: string;
  readonly address: string;
  readonly port: number;
  /** The gateway's machine and its host. */
  readonly machine: string;
  readonly host: string;
  /** The release that answers there; empty before the first one. */
  readonly needs: readonly ResourceId[];
};

export const trafficSlot = (traffic: Traffic): Resource =>
  makeSlot({
    machine: traffic.machine,
    host: traffic.host,
    slot: trafficEntry(traffic.app, traffic.workload),
    files: {
      "upstream.conf": renderUpstream(workloadName(traffic.app, traffic.workload), traffic.address, traffic.port),
    },
    versions: [],
    needs: traffic.needs,
  });
