/** `croft config`: the configuration with every default in place. */
import { renderConfig } from "../../provisioner/config/render.ts";
import { EXIT } from "../../provisioner/errors.ts";
import { readModel } from "../load.ts";
import type { Io } from "../main.ts";
import { parseOptions } from "../options.ts";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, { env: { type: "string" }, json: { type: "boolean" } });
  const model = await readModel(site, values.env, io);
  io.out(values.json === true ? JSON.stringify(model) : renderConfig(model).trimEnd());
  return EXIT.ok;
};
