/** What every verb about one machine asks first: is it in the file, and what does it do. */
import { CroftError } from "../../../provisioner/errors.ts";
import { makeLauncher } from "../../../provisioner/hypervisor/launcher.ts";
import { findProcess } from "../../../provisioner/hypervisor/process.ts";
import { machinePaths } from "../../../provisioner/model/names.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import type { Loaded } from "../../load.ts";
import { siteNameOf } from "../../site.ts";

export const pathsOf = (loaded: Loaded, machine: string) => machinePaths(siteNameOf(loaded.model), machine, loaded.roots);

/** `stopped`, `unresponsive`, or the hypervisor's word in lower case. */
export const stateOf = async (loaded: Loaded, machine: string): Promise<string> => {
  const paths = pathsOf(loaded, machine);
  if ((await findProcess(paths.pid)) === undefined) return "stopped";
  const info = await makeLauncher({ shell: makeLocalShell(), siteKey: "" }).info(paths);
  return info === undefined ? "unresponsive" : info.toLowerCase();
};

export const knownMachine = (loaded: Loaded, name: string | undefined): string => {
  const names = loaded.model.machines.map((machine) => machine.name);
  if (name !== undefined && names.includes(name)) return name;
  throw new CroftError("USAGE", name === undefined ? "which machine?" : `no machine is called \`${name}\``, {
    hint: `machines here: ${names.join(", ")}`,
  });
};
