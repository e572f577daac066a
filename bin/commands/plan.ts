/** `croft plan`: exactly what `up` would do, and nothing done. */
import { writeFile } from "node:fs/promises";
import { EXIT } from "../../provisioner/errors.ts";
import { isEmpty } from "../../provisioner/plan/diff.ts";
import { change } from "../change.ts";
import { loadSite } from "../load.ts";
import { checkLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseOptions } from "../options.ts";
import { encodePlanFile } from "../plan-file.ts";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, { ...changeOptions, "detailed-exitcode": { type: "boolean" }, out: { type: "string" } });
  const loaded = await loadSite({ site, environment: values.env, io, onBuild: (text) => io.error(text) });
  checkLock(loaded, io);
  const changed = await change(loaded, io, {
    json: values.json === true,
    yes: true,
    waitMs: 0,
    diff: { allowDestroy: values["allow-destroy"] ?? [] },
    planOnly: true,
    desire: (all, state) => {
      const wanted = all.from(state);
      return { resources: wanted.desired.resources, state: wanted.state };
    },
    question: "",
  });
  const { plan } = changed.planned;
  if (values.out !== undefined) {
    await writeFile(
      values.out,
      encodePlanFile({ folder: loaded.model.folder, environment: values.env, siteId: loaded.state.siteId, plan }),
      { mode: 0o600 },
    );
    io.error(`Saved to ${values.out}: \`croft apply ${values.out}\``);
  }
  return values["detailed-exitcode"] === true && !isEmpty(plan) ? EXIT.changes : EXIT.ok;
};
