/** Programs of croft's own that run on machines: TypeScript as it stands here, which Node runs, and the packages it imports. */
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import type { Program } from "../provisioner/model/contribution.ts";

type Part = { readonly folder: string; readonly files: RegExp };

/** Folders of a package that its importers need at run time. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  jose: /^(?:package\.json|dist\/webapi\/.*\.js)$/,
  oauth4webapi: /^(?:package\.json|build\/index\.js)$/,
  "openid-client": /^(?:package\.json|build\/index\.js)$/,
};

const PROGRAMS: Readonly<Record<string, { readonly folder: string; readonly packages: readonly string[] }>> = {
  gate: { folder: "nginx/gate", packages: ["jose", "oauth4webapi", "openid-client"] },
};

/** Files that a program shares with the rest of croft lie beside its own on the machine. */
const SHARED: Readonly<Record<string, readonly string[]>> = { gate: ["provisioner/transport/signature.ts"] };

const PROJECT = join(import.meta.dirname, "..");
const SOURCES = /^(?!.*\.(?:test|fixture)\.ts$).*\.ts$/;

const readPart = async ({ folder, files }: Part): Promise<readonly (readonly [string, string])[]> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => files.test(path))
    .toSorted();
  return Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), "utf8")] as const));
};

/** Where npm put a package, wherever croft itself is installed. */
const folderOf = (name: string): string => {
  const entry = createRequire(import.meta.url).resolve(name);
  const at = entry.lastIndexOf(`node_modules/${name}/`);
  return at < 0 ? dirname(entry) : entry.slice(0, at + `node_modules/${name}`.length);
};

const readPackage = async (name: string): Promise<readonly (readonly [string, string])[]> => {
  const files = await readPart({ folder: folderOf(name), files: PACKAGES[name] ?? /^$/ });
  return files.map(([path, text]) => [`node_modules/${name}/${path}`, text]);
};

const readShared = (name: string) =>
  Promise.all((SHARED[name] ?? []).map(async (file) => [`shared-${basename(file)}`, await readFile(join(PROJECT, file), "utf8")] as const));

/** A source with the places that its imports of shared files have on the machine. */
const withShared = (name: string, folder: string, path: string, text: string): string => {
  const places = (SHARED[name] ?? []).map((file) => {
    const from = relative(join(folder, dirname(path)), file);
    return [`"${from}"`, `"${relative(dirname(path), `shared-${basename(file)}`).replace(/^(?!\.)/, "./")}"`] as const;
  });
  return places.reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
};

/** Every program, by its name. Some 70 small files in all: read at each start, so a plan always shows what would run. */
export const readPrograms = async (): Promise<Readonly<Record<string, Program>>> => {
  const all = Object.entries(PROGRAMS).map(async ([name, { folder, packages }]) => {
    const own = await readPart({ folder: join(PROJECT, folder), files: SOURCES });
    const sources = [...own.map(([path, text]) => [path, withShared(name, folder, path, text)] as const), ...(await readShared(name))];
    const inside = (await Promise.all(packages.map(readPackage))).flat();
    const manifest = ["package.json", `${JSON.stringify({ type: "module" })}\n`] as const;
    return [name, Object.fromEntries([manifest, ...sources, ...inside])] as const;
  });
  return Object.fromEntries(await Promise.all(all));
};
