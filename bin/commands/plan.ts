/** `croft plan`: exactly what `up` would do, and nothing done. */
import { writeFile } from "node:fs/promises";
import { EXIT } from "../../provisioner/errors.ts";
import { isEmpty } from "../../provisioner/plan/diff.ts";
import { change } from "../change.ts";
import { loadSite } from "../load.ts";
import { checkLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseOptions } from "../options.ts";
import type { Options } from "../options.ts";
import { encodePlanFile, hashDesired } from "../plan-file.ts";

export const options = {
  ...changeOptions,
  "detailed-exitcode": { type: "boolean", summary: "exit 0 where there is nothing to do, 2 where there is" },
  out: { type: "string", value: "FILE", summary: "save it for `croft apply FILE`" },
} as const satisfies Options;
export const example = "croft plan examples/portfolio --out portfolio.plan";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
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
      encodePlanFile({
        folder: loaded.model.folder,
        environment: values.env,
        siteId: loaded.state.siteId,
        serial: loaded.state.serial,
        desired: hashDesired(changed.desired),
        plan,
      }),
      { mode: 0o600 },
    );
    io.error(`Saved to ${values.out}: \`croft apply ${values.out}\``);
  }
  return values["detailed-exitcode"] === true && !isEmpty(plan) ? EXIT.changes : EXIT.ok;
};
