/** What of croft another host needs to run it: sources and packages that are loaded at run time, nothing of tests or tools. Pure. */
import { dirname, join, relative } from "node:path";

/** What a `package.json` says of what the package loads. */
export type Manifest = { readonly dependencies?: Readonly<Record<string, string>> };
/** The manifest in a folder; undefined where there is none. */
export type ReadManifest = (folder: string) => Manifest | undefined;

const NOT_PROGRAM = new Set(["test", "bench", "docs", "examples", "node_modules", "dist", "coverage"]);
const TOP_FILES = new Set(["package.json", "LICENSE"]);
const NOT_LOADED = /(\.(test|fixture)\.ts|\.md)$/;
const TEST_FOLDER = /(^|\/)(golden|testing)$/;
const NEVER_LOADED = /\.(map|md|[cm]?ts|flow)$/;

/** Paths are relative to croft's own folder. */
export const isProgram = (path: string, isFolder: boolean): boolean => {
  const top = !path.includes("/");
  if (path.startsWith(".") || path.includes("/.")) return false;
  if (isFolder) return !(top && NOT_PROGRAM.has(path)) && !TEST_FOLDER.test(path);
  return top ? TOP_FILES.has(path) : !NOT_LOADED.test(path);
};

/** Paths are relative to the package's folder; packages inside it are listed by themselves. Node strips types of no package, and prebuilt native code is of other runtimes. */
export const isPackageFile = (path: string, isFolder: boolean): boolean =>
  isFolder ? path !== "node_modules" && path !== "prebuilds" && !path.startsWith(".") : !NEVER_LOADED.test(path);

/** Where Node finds a package that is imported in `folder`: there or in any folder above. */
const findPackage = (folder: string, name: string, read: ReadManifest): string | undefined => {
  const candidate = join(folder, "node_modules", name);
  if (read(candidate) !== undefined) return candidate;
  const above = dirname(folder);
  return above === folder ? undefined : findPackage(above, name, read);
};

/** Folders of all packages that `folder` loads, through any number of steps. Optional ones are not among them. */
export const packageFolders = (folder: string, read: ReadManifest): readonly string[] => {
  const found = new Set<string>();
  const visit = (here: string): void => {
    for (const name of Object.keys(read(here)?.dependencies ?? {})) {
      const target = findPackage(here, name, read);
      if (target === undefined) throw new Error(`the package ${name} is not installed`);
      if (found.has(target)) continue;
      found.add(target);
      visit(target);
    }
  };
  visit(folder);
  return [...found].toSorted();
};

/** Where a package goes below croft's folder on the other host, even if here it lies above. */
export const shippedFolder = (root: string, folder: string): string => {
  const path = relative(root, folder);
  if (path.startsWith("node_modules/")) return path;
  if (root === dirname(root)) throw new Error(`${folder} is in no folder of packages`);
  return shippedFolder(dirname(root), folder);
};
