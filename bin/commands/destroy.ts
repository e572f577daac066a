/** `croft destroy`: the site goes; what holds data stays unless it is named or purged. */
import { readdir, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { change } from "../change.ts";
import { isNew } from "../known-state.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { changeOptions, parseCount, parseOptions, simulateOption } from "../options.ts";
import type { Options } from "../options.ts";

export const options = {
  ...changeOptions,
  ...simulateOption,
  purge: { type: "boolean", summary: "remove data disks, secrets, addresses and state too" },
} as const satisfies Options;
export const example = "croft destroy examples/portfolio --purge";

/** Folders that only sites need go with the last of them. */
const removeEmpty = async (folders: readonly string[]): Promise<void> => {
  for (const folder of folders) await rmdir(folder).catch(() => {});
};

/** After a purge nothing of the site is left, its memory last. */
const forgetSite = async (loaded: Loaded): Promise<void> => {
  const { paths, roots } = loaded;
  await rm(paths.run, { recursive: true, force: true });
  await rm(paths.folder, { recursive: true, force: true });
  await removeEmpty([dirname(paths.folder), roots.state, dirname(paths.run), roots.run]);
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const waitMs = parseCount("wait", values.wait, 0) * 1000;
  const simulate = values.simulate === true;
  if (!simulate && process.getuid?.() !== 0)
    throw new CroftError("HOST_UNFIT", "croft changes this host and has to run as root", { hint: "sudo npx croft destroy" });
  const json = values.json === true;
  const loaded = await loadSite({ site, environment: values.env, io, build: false, readOnly: simulate });
  if (isNew(loaded.state)) {
    io.out(
      json
        ? JSON.stringify({ steps: [] })
        : `Nothing to destroy: croft has no memory of ${loaded.model.site} (${loaded.model.environment}).`,
    );
    if (!simulate && values.purge === true && (await readdir(loaded.paths.folder).catch(() => [])).length > 0) await forgetSite(loaded);
    return EXIT.ok;
  }
  const changed = await change(loaded, io, {
    json,
    yes: values.yes === true,
    waitMs,
    diff: { destroy: true, purge: values.purge === true, allowDestroy: values["allow-destroy"] ?? [] },
    planOnly: false,
    simulate,
    desire: (_all, state) => ({ resources: [], state: { ...state, extra: {} } }),
    question: values.purge === true ? "Destroy all of it, data too?" : "Destroy it?",
  });
  if (changed.exitCode !== EXIT.ok || simulate) return changed.exitCode;
  if (values.purge === true) await forgetSite(loaded);
  else if (!json) {
    const kept = changed.state.resources.filter((record) => record.status === "kept" && record.data === true);
    if (kept.length > 0) {
      io.out("\nKept, and used again by the next `croft up`:");
      kept.forEach((record) => io.out(`  ${record.id}  ${String(record.spec["path"] ?? "")}`));
      io.out("Remove them with `croft destroy --purge`.");
    }
  }
  return EXIT.ok;
};
