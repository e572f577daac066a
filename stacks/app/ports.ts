/** Releases of a workload alternate between two ports, so that a new one starts beside the old. Pure. */
import type { Recorded } from "../../provisioner/plan/resource.ts";

/** The recorded port while the instance stays, otherwise the other one. */
export const choosePort = (first: number, instance: string, recorded: Recorded | undefined): number => {
  const port = recorded?.spec["port"];
  if (typeof port !== "number" || (port !== first && port !== first + 1)) return first;
  if (recorded?.spec["instance"] === instance) return port;
  return port === first ? first + 1 : first;
};
