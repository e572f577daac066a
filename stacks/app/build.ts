/** Builds workloads before planning, so that a plan names releases by their content. A source seen before is not built again. */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CroftError } from "../../provisioner/errors.ts";
import type { BuiltRelease, Migration } from "../../provisioner/model/contribution.ts";
import { workloadName } from "../../provisioner/model/names.ts";
import type { App, Model, Workload } from "../../provisioner/model/types.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { packTar } from "../../provisioner/transport/tar.ts";
import { hashTree, readTree } from "./source.ts";
import type { Skip } from "./source.ts";

export type BuildTools = {
  readonly shell: Shell;
  readonly cache: { readonly releases: string; readonly builds: string };
  readonly onBuild: (text: string) => void;
};

const BUILD_TIMEOUT_MS = 900_000;
/** Raised when the way a release is packed changes. */
const PACKING = 1;

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** `croft.lock` appears with the first `up`: it must not make a second release. */
const NEVER_RELEASED = /(^|\/)(node_modules|\.git|croft\.lock)$/;
const HIDDEN_FOLDER = /(^|\/)\.[^/]+$/;

/** What a build reads: not what it writes, nor the caches that tools keep in hidden folders. */
const skipSource =
  (workload: Workload): Skip =>
  (path, isFolder) =>
    NEVER_RELEASED.test(path) ||
    (workload.build !== undefined && ((isFolder && HIDDEN_FOLDER.test(path)) || (workload.output !== "." && path === workload.output)));

/** Lock files above the source decide what a build gets, too. */
const lockFiles = async (folder: string): Promise<readonly string[]> => {
  const texts: string[] = [];
  for (let here = folder; ; here = resolve(here, "..")) {
    const text = await readFile(join(here, "package-lock.json"), "utf8").catch(() => undefined);
    if (text !== undefined) texts.push(text);
    if (here === resolve(here, "..")) return texts;
  }
};

const sourceHash = async (source: string, workload: Workload): Promise<string> => {
  const files = await readTree(source, skipSource(workload));
  const locks = workload.build === undefined ? [] : await lockFiles(source);
  return createHash("sha256")
    .update(JSON.stringify([PACKING, hashTree(files), workload.build ?? null, workload.output, locks]))
    .digest("hex");
};

/** A folder of programs for each `node_modules` from the source upwards, as npm does for its scripts. */
const programFolders = (source: string): readonly string[] => {
  const above = resolve(source, "..");
  return [join(source, "node_modules", ".bin"), ...(above === source ? [] : programFolders(above))];
};

const runBuild = async (tools: BuildTools, name: string, source: string, command: string): Promise<void> => {
  tools.onBuild(`building ${name}: ${command}`);
  const result = await tools.shell.run(
    sh`cd ${source} && PATH=${programFolders(resolve(source)).join(":")}:"$PATH" exec sh -c ${command}`,
    { timeoutMs: BUILD_TIMEOUT_MS },
  );
  if (result.ok) return;
  throw new CroftError("BUILD_FAILED", `building ${name} failed (exit ${result.exitCode}): ${command}`, {
    tail: `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-20).join("\n"),
    hint: "nothing was changed; fix the source and run the same command again",
  });
};

const packRelease = async (tools: BuildTools, name: string, output: string): Promise<BuiltRelease> => {
  if (!(await exists(output)))
    throw new CroftError("BUILD_FAILED", `${name} has no output: ${output} is not there`, {
      hint: "check `output` and `build` of the workload",
    });
  const files = await readTree(output, (path) => NEVER_RELEASED.test(path));
  if (files.length === 0) throw new CroftError("BUILD_FAILED", `${name} has no output: ${output} is empty`);
  const id = hashTree(files).slice(0, 16);
  const file = join(tools.cache.releases, `${name}@${id}.tar`);
  const archive = await packTar(files.map(({ path, mode, content }) => ({ name: path, mode, content })));
  if (!(await exists(file))) await writeWhole(file, archive);
  return { id, file, sizeBytes: archive.length };
};

const writeWhole = async (file: string, content: string | Uint8Array): Promise<void> => {
  const temporary = `${file}.${process.pid}.new`;
  await writeFile(temporary, content, { mode: 0o600, flush: true });
  await rename(temporary, file);
};

/** A note that cannot be read is no note. */
const parseNote = (text: string): BuiltRelease | undefined => {
  try {
    return JSON.parse(text) as BuiltRelease;
  } catch {
    return undefined;
  }
};

const readKnown = async (file: string): Promise<BuiltRelease | undefined> => {
  const text = await readFile(file, "utf8").catch(() => undefined);
  const known = text === undefined ? undefined : parseNote(text);
  return known !== undefined && (await exists(known.file)) ? known : undefined;
};

const buildOne = async (tools: BuildTools, model: Model, app: App, workload: Workload): Promise<readonly [string, BuiltRelease]> => {
  const name = workloadName(app.name, workload.name);
  const source = join(model.folder, workload.source);
  const note = join(tools.cache.builds, `${name}-${(await sourceHash(source, workload)).slice(0, 32)}.json`);
  const known = await readKnown(note);
  if (known !== undefined) return [name, known];
  await mkdir(tools.cache.releases, { recursive: true, mode: 0o700 });
  await mkdir(tools.cache.builds, { recursive: true, mode: 0o700 });
  if (workload.build !== undefined) await runBuild(tools, name, source, workload.build);
  const built = await packRelease(tools, name, join(source, workload.output));
  await writeWhole(note, JSON.stringify(built));
  return [name, built];
};

type Job = { readonly app: App; readonly workload: Workload };

/** One after the other: they build in the same folder. */
const buildInTurn = async (
  tools: BuildTools,
  model: Model,
  jobs: readonly Job[],
): Promise<readonly (readonly [string, BuiltRelease])[]> => {
  const built: (readonly [string, BuiltRelease])[] = [];
  for (const { app, workload } of jobs) built.push(await buildOne(tools, model, app, workload));
  return built;
};

/** Every workload's release, by `APP-WORKLOAD`. @throws CroftError BUILD_FAILED with the build's last lines. */
export const buildReleases = async (tools: BuildTools, model: Model): Promise<Readonly<Record<string, BuiltRelease>>> => {
  const jobs = model.apps.flatMap((app) => app.workloads.map((workload): Job => ({ app, workload })));
  const byFolder = Map.groupBy(jobs, ({ workload }) => resolve(model.folder, workload.source));
  const built = await Promise.all([...byFolder.values()].map((list) => buildInTurn(tools, model, list)));
  return Object.fromEntries(built.flat());
};

const MIGRATION = /^\d{4,}_[a-z0-9_]+\.up\.sql$/;

const readFolder = async (folder: string): Promise<readonly Migration[]> => {
  const names = (await readdir(folder)).filter((name) => MIGRATION.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), "utf8");
      return { name: name.replace(/\.up\.sql$/, ""), sql, sha256: createHash("sha256").update(sql).digest("hex") };
    }),
  );
};

/** SQL of each app's migrations in order, by app. */
export const readMigrations = async (model: Model): Promise<Readonly<Record<string, readonly Migration[]>>> => {
  const jobs = model.apps.flatMap((app) => {
    const folder = app.database?.migrations;
    return folder === undefined ? [] : [readFolder(join(model.folder, folder)).then((list) => [app.name, list] as const)];
  });
  return Object.fromEntries(await Promise.all(jobs));
};
