/** `croft state restore`: back to the newest state file that can be read. */
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { sitePaths } from "../../provisioner/model/names.ts";
import { makeFileStore } from "../../provisioner/state/file-store.ts";
import { readModel, rootsFrom } from "../load.ts";
import type { Io } from "../main.ts";
import { parseOptions, siteOptions } from "../options.ts";
import { siteNameOf } from "../site.ts";

export const options = siteOptions;
export const example = "croft state restore examples/portfolio";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const [verb, ...rest] = words;
  if (verb !== "restore") throw new CroftError("USAGE", `unknown command \`state ${verb ?? ""}\``, { hint: "croft state restore [SITE]" });
  const { values, site } = parseOptions(rest, options);
  const model = await readModel(site, values.env, io);
  const serial = await makeFileStore(sitePaths(siteNameOf(model), rootsFrom(io.environment)).state).restore();
  io.out(`The state of ${model.site} is back at serial ${serial}; what changed since is found by the next \`croft plan\`.`);
  return EXIT.ok;
};
