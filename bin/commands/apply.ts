/** `croft apply FILE`: a saved plan, done exactly or refused. */
import { readFile } from "node:fs/promises";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { change } from "../change.ts";
import { isNew } from "../known-state.ts";
import { loadSite } from "../load.ts";
import { checkLock, writeLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseCount, parseWords } from "../options.ts";
import { decodePlanFile, hashDesired, refuseOtherSite, refuseStale } from "../plan-file.ts";

export const options = changeOptions;
export const example = "croft plan --out site.plan && croft apply site.plan";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const waitMs = parseCount("wait", values.wait, 0) * 1000;
  const [file] = positionals;
  if (file === undefined || positionals.length > 1)
    throw new CroftError("USAGE", "apply takes one saved plan", { hint: "croft plan --out FILE" });
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CroftError("PLAN_INVALID", `${file} cannot be read`, { cause });
  });
  const saved = decodePlanFile(file, text);
  const loaded = await loadSite({
    site: values.file ?? saved.folder,
    environment: values.env ?? saved.environment,
    io,
    onBuild: (line) => io.error(line),
  });
  checkLock(loaded, io);
  refuseOtherSite(file, saved, loaded.model);
  const state = isNew(loaded.state) && saved.serial === 0 ? { ...loaded.state, siteId: saved.siteId } : loaded.state;
  const changed = await change({ ...loaded, state }, io, {
    json: values.json === true,
    yes: values.yes === true,
    waitMs,
    diff: { allowDestroy: values["allow-destroy"] ?? [] },
    planOnly: false,
    refuse: (plan, { resources, state: now }) =>
      refuseStale(saved, { plan, siteId: now.siteId, serial: now.serial, desired: hashDesired(resources) }),
    desire: (all, now) => {
      const wanted = all.from(now);
      return { resources: wanted.desired.resources, state: wanted.state };
    },
    question: "Do this?",
  });
  if (changed.exitCode === EXIT.ok) await writeLock(loaded, io);
  return changed.exitCode;
};
