/** `croft doctor`: whether this host can carry sites, and this one. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../provisioner/errors.ts";
import { EMPTY_LOCK } from "../../provisioner/artifacts/lock-file.ts";
import { gatherFacts, resolveName } from "../../provisioner/host/doctor-facts.ts";
import { judge } from "../../provisioner/host/doctor.ts";
import type { Judged, Level, SiteFacts } from "../../provisioner/host/doctor.ts";
import { sumTotals } from "../../provisioner/plan/lint.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { networkFindings } from "../clash.ts";
import { isNew } from "../known-state.ts";
import { CONFIG_NAMES, loadSite, publicNames, rootsFrom } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseOptions, siteOptions } from "../options.ts";
import { findArtifactTools, findPlatform } from "../platform.ts";

export const options = { ...siteOptions, ...jsonOption } as const;
export const example = "croft doctor examples/portfolio";

const WORDS: Readonly<Record<Level, string>> = { ok: "ok", warning: "warning", failure: "FAILURE" };

const renderJudged = (all: readonly Judged[]): string => {
  const count = (level: Level): number => all.filter((one) => one.level === level).length;
  const width = Math.max(...all.map(({ check }) => check.length));
  return [
    ...all.flatMap(({ check, level, reason, fix }) => [
      `  ${WORDS[level].padEnd(8)} ${check.padEnd(width)}  ${reason}`,
      ...(fix === undefined ? [] : [`  ${"".padEnd(8)} ${"".padEnd(width)}  fix: ${fix}`]),
    ]),
    "",
    `${count("ok")} ok, ${count("warning")} warnings, ${count("failure")} failures`,
  ].join("\n");
};

const siteFacts = async ({ model, desired, state, roots }: Loaded): Promise<SiteFacts> => {
  const totals = sumTotals(desired.resources, {});
  const found = publicNames(model, desired);
  return {
    site: model.site,
    environment: model.environment,
    isNew: isNew(state),
    memoryBytes: totals.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    diskBytes: totals.reduce((sum, { diskBytes }) => sum + diskBytes, 0),
    published: [...new Set(desired.flows.filter(({ from }) => from === "public").map(({ port }) => port))],
    gateway: found?.address,
    names: await Promise.all((found?.names ?? []).map(resolveName)),
    ranges: await networkFindings({ model, roots, desired: desired.resources, state }),
  };
};

/** Without a SITE the current folder's, where there is one. */
const siteAt = (named: string | undefined, io: Io): string | undefined =>
  named ?? (CONFIG_NAMES.some((name) => existsSync(join(io.folder, name))) ? "." : undefined);

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, named } = parseOptions(words, options);
  const site = siteAt(named, io);
  const roots = rootsFrom(io.environment);
  const loaded = site === undefined ? undefined : await loadSite({ site, environment: values.env, io, readOnly: true });
  const { hypervisor, standIn, bootable } =
    loaded?.platform ?? (await findPlatform(await findArtifactTools(roots, io.environment, EMPTY_LOCK), io.environment, false));
  const shell = makeLocalShell();
  try {
    const facts = await gatherFacts({ shell, roots, hypervisor, standIn, bootable });
    const all = judge(facts, loaded === undefined ? undefined : await siteFacts(loaded));
    io.out(values.json === true ? JSON.stringify(all) : renderJudged(all));
    return all.some(({ level }) => level === "failure") ? EXIT.unfit : EXIT.ok;
  } finally {
    await shell.close();
  }
};
