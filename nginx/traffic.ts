/** Where a workload's requests go now: one slot on the gateway machine, changed by each deploy. Pure. */
import type { SlotEntry } from "../provisioner/model/contribution.ts";
import { workloadName } from "../provisioner/model/names.ts";
import type { Resource, ResourceId } from "../provisioner/plan/resource.ts";
import { makeSlot } from "../provisioner/machine/slot-resource.ts";
import { makeTemplate } from "./handlebars.ts";
import { safeAddress, safePort } from "./safe.ts";
import type { Safe } from "./safe.ts";

export const GATEWAY_UNIT = "croft-gateway.service";

/** Every slot of the gateway is taken over by a proven reload. */
export const onGatewayChange: NonNullable<SlotEntry["onChange"]> = {
  unit: GATEWAY_UNIT,
  action: "reload",
  check: "/usr/lib/croft/gateway check",
};

export const trafficSlotName = (app: string, workload: string): string => `traffic-${workloadName(app, workload)}`;

export const trafficEntry = (app: string, workload: string): SlotEntry => ({
  name: trafficSlotName(app, workload),
  mode: "0644",
  owner: "root:root",
  onChange: onGatewayChange,
});

const renderTemplate = makeTemplate<{ address: Safe; port: Safe }>("server {{address}}:{{port}} max_fails=0;\n");

/** The one line that the workload's upstream block takes in. */
export const renderServer = (address: string, port: number): string =>
  renderTemplate({ address: safeAddress(address), port: safePort(port) });

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
      "server.conf": renderServer(traffic.address, traffic.port),
    },
    versions: [],
    needs: traffic.needs,
  });
