/** `croft apply FILE`: a saved plan, done exactly or refused. */
import { readFile } from "node:fs/promises";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { change } from "../change.ts";
import { loadSite } from "../load.ts";
import { checkLock, writeLock } from "../lock.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseWords } from "../options.ts";
import { decodePlanFile } from "../plan-file.ts";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, changeOptions);
  const [file] = positionals;
  if (file === undefined || positionals.length > 1)
    throw new CroftError("USAGE", "apply takes one saved plan", { hint: "croft plan --out FILE" });
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CroftError("PLAN_INVALID", `${file} cannot be read`, { cause });
  });
  const saved = decodePlanFile(file, text);
  const loaded = await loadSite({ site: saved.folder, environment: saved.environment, io, onBuild: (line) => io.out(line) });
  checkLock(loaded, io);
  const isNew = (await loaded.store.read()) === undefined;
  const state = isNew ? { ...loaded.state, siteId: saved.siteId } : loaded.state;
  const changed = await change({ ...loaded, state }, io, {
    json: values.json === true,
    yes: values.yes === true,
    waitMs: Number(values.wait ?? 0) * 1000,
    diff: { allowDestroy: values["allow-destroy"] ?? [] },
    planOnly: false,
    onlyPlan: saved.plan.hash,
    desire: (all, now) => {
      const wanted = all.from(now);
      return { resources: wanted.desired.resources, state: wanted.state };
    },
    question: "Do this?",
  });
  if (changed.exitCode === EXIT.ok) await writeLock(loaded, io);
  return changed.exitCode;
};
