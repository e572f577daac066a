/** What the drivers of this folder share. */
import type { ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { Template } from "../../provisioner/model/contribution.ts";
import type { Json } from "../../provisioner/plan/resource.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";

export type ReleaseTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  readonly resolve: (template: Template) => Promise<string>;
};

/** Releases of a workload that stay on the machine to go back to, the current one among them. */
export const KEPT_RELEASES = 3;

/** For a command that waits until a unit has stopped: systemd's own time-out comes first. */
export const stopTimeoutMs = (seconds: number): number => (seconds + 30) * 1000;

export const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");
export const machineOf = (request: ObserveRequest): string => textOf((request.resource ?? request.recorded)?.spec["machine"]);
export const nameOf = (id: string): string => id.slice(id.indexOf("/") + 1);
