/** Folders that the file names and that must be there. Effects come in as `exists`. */
import { join } from "node:path";
import type { Model } from "../model/types.ts";
import type { Problem } from "./problem.ts";
import { backticked, type Place } from "./text.ts";
import type { Path } from "./tree.ts";

type Named = { readonly path: Path; readonly folder: string; readonly what: string };

const foldersOf = (model: Model): readonly Named[] =>
  model.apps.flatMap((app) => {
    const workloads = app.workloads.map(({ name, source }) => ({
      path: ["apps", app.name, "workloads", name, "source"],
      folder: source,
      what: `source of workload "${name}"`,
    }));
    const migrations = app.database?.migrations;
    return migrations === undefined
      ? workloads
      : [...workloads, { path: ["apps", app.name, "database", "migrations"], folder: migrations, what: `migrations of app "${app.name}"` }];
  });

/** `exists` gets absolute paths; `locate` is the one of the parse's result. */
export const checkFolders = (model: Model, locate: (path: Path) => Place, exists: (folder: string) => boolean): readonly Problem[] =>
  foldersOf(model)
    .filter(({ folder }) => !exists(join(model.folder, folder)))
    .map(({ path, folder, what }) => ({
      code: "E0139",
      severity: "error",
      message: `folder ${backticked(folder)} does not exist (${what})`,
      place: locate(path),
      help: `paths start at ${model.folder}`,
      related: [],
    }));
