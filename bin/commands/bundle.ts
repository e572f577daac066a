/** `croft bundle [SITE] --out FILE`: everything `up` needs on a host without internet. */
import { resolve } from "node:path";
import { sha256Of } from "../../provisioner/artifacts/digest.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { formatBytes } from "../../provisioner/plan/print.ts";
import { makeBundle } from "../bundle.ts";
import { loadSite } from "../load.ts";
import type { Io } from "../main.ts";
import { parseOptions } from "../options.ts";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, { env: { type: "string" }, out: { type: "string" }, json: { type: "boolean" } });
  if (values.out === undefined) throw new CroftError("USAGE", "bundle needs a file to write", { hint: "croft bundle [SITE] --out FILE" });
  const say = (text: string): void => io.error(text);
  const loaded = await loadSite({ site, environment: values.env, io, onBuild: say });
  const target = resolve(io.folder, values.out);
  const manifest = await makeBundle(loaded, target, say);
  const sha256 = await sha256Of(target);
  if (values.json === true) io.out(JSON.stringify({ file: target, sha256, entries: manifest.entries }));
  else {
    const bytes = manifest.entries.reduce((sum, entry) => sum + entry.bytes, 0);
    io.out(`${values.out}: ${manifest.entries.length} files, ${formatBytes(bytes)}, sha256 ${sha256}`);
    io.out(`There: croft up --bundle ${values.out}`);
  }
  return EXIT.ok;
};
