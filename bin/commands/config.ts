/** `croft config`: the configuration with every default in place. */
import { renderConfig } from "../../provisioner/config/render.ts";
import { EXIT } from "../../provisioner/errors.ts";
import { readModel } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";

export const options = { ...siteOptions, ...jsonOption } as const;
export const example = "croft config examples/portfolio";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const model = await readModel(site, values.env, io);
  io.out(values.json === true ? JSON.stringify(model) : renderConfig(model).trimEnd());
  return EXIT.ok;
};
