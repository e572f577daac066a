/** Folders and files that croft.yaml names and that must be there. Effects come in as `exists`. */
import { join } from "node:path";
import type { Model } from "../model/types.ts";
import type { Problem } from "./problem.ts";
import { backticked, type Place } from "./text.ts";
import type { Path } from "./tree.ts";

type Named = { readonly path: Path; readonly folder: string; readonly what: string; readonly kind?: "file" };

const foldersOf = (model: Model): readonly Named[] =>
  model.apps.flatMap((app): readonly Named[] => {
    const workloads = app.workloads.map(({ name, source }) => ({
      path: ["apps", app.name, "workloads", name, "source"],
      folder: source,
      what: `source of workload "${name}"`,
    }));
    const at = (...path: Path): Path => ["apps", app.name, ...path];
    const migrations = app.database?.migrations;
    return [
      ...workloads,
      ...(migrations === undefined
        ? []
        : [{ path: at("database", "migrations"), folder: migrations, what: `migrations of app "${app.name}"` }]),
      ...(app.smoke === undefined
        ? []
        : [{ path: at("smoke", "module"), folder: app.smoke.module, what: `transaction of app "${app.name}"`, kind: "file" as const }]),
    ];
  });

/** `exists` gets absolute paths; `locate` is the one of the parse's result. */
export const checkFolders = (model: Model, locate: (path: Path) => Place, exists: (folder: string) => boolean): readonly Problem[] =>
  foldersOf(model)
    .filter(({ folder }) => !exists(join(model.folder, folder)))
    .map(({ path, folder, what, kind = "folder" }) => ({
      code: "E0139",
      severity: "error",
      message: `${kind} ${backticked(folder)} does not exist (${what})`,
      place: locate(path),
      help: `paths start at ${model.folder}`,
      related: [],
    }));
