/** `croft render`: all that a run would write, as text, and nothing done. */
import { isSystemd } from "../../provisioner/host/bootstrap.ts";
import { EXIT } from "../../provisioner/errors.ts";
import { loadSite } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import { renderBlocks, renderSite } from "../render.ts";
import { siteNameOf } from "../site.ts";
import { writeTree } from "../write-tree.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  out: { type: "string", value: "FOLDER", summary: "write files into this new or empty folder instead" },
} as const satisfies Options;
export const example = "croft render examples/hello | less";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const loaded = await loadSite({ site, environment: values.env, io, readOnly: true });
  const files = renderSite({
    name: siteNameOf(loaded.model),
    roots: loaded.roots,
    resources: loaded.desired.resources,
    units: isSystemd(),
  });
  if (values.out !== undefined) {
    await writeTree(
      values.out,
      files.map(({ place, path, text }) => ({ path: `${place}${path}`, text })),
    );
    io.error(`${files.length} files in ${values.out}`);
  } else io.out(values.json === true ? JSON.stringify(files) : renderBlocks(files).trimEnd());
  return EXIT.ok;
};
