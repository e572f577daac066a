/** Effects of workloads: their releases, the end of old ones, static files. */
import type { Driver } from "../../provisioner/execute/driver.ts";
import { makeReleaseDriver } from "./releases.ts";
import { makeRetireDriver } from "./retire.ts";
import { makeStaticDriver } from "./statics.ts";
import type { ReleaseTools } from "./tools.ts";

export const makeReleaseDrivers = (tools: ReleaseTools): readonly Driver[] => [
  makeReleaseDriver(tools),
  makeRetireDriver(tools),
  makeStaticDriver(tools),
];
