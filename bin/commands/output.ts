/** `croft output`: what a script wants to know of a site. */
import { authorityFile } from "../../nginx/certificates/authority-files.ts";
import { EXIT } from "../../provisioner/errors.ts";
import { loadSite } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import { makeOutput, outputText } from "../site-output.ts";

export const options = { ...siteOptions, ...jsonOption } as const;
export const example = "croft output examples/portfolio --json | jq -r '.urls[0]'";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const { model, desired, state, paths } = await loadSite({ site, environment: values.env, io, readOnly: true });
  const output = makeOutput({ model, desired, recorded: state.resources, authority: authorityFile(paths) });
  io.out(values.json === true ? JSON.stringify(output) : outputText(output));
  return EXIT.ok;
};
