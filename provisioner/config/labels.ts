/** What a reader calls a place of the file: `app "api"`, `route 3 of app "api"`. */
import { quoted } from "./text.ts";
import type { Path } from "./tree.ts";

const NOUNS: Readonly<Record<string, string>> = {
  hosts: "host",
  machines: "machine",
  services: "service",
  apps: "app",
  workloads: "workload",
  environments: "environment",
  disks: "disk",
};

const partOf = (path: Path): string | undefined => {
  const [collection, name] = [String(path.at(-2) ?? ""), path.at(-1)];
  if (collection === "routes") return `route ${Number(name) + 1}`;
  return Object.hasOwn(NOUNS, collection) ? `${NOUNS[collection]} ${quoted(String(name))}` : undefined;
};

const isField = (path: Path): boolean =>
  path.length > 0 && path.length % 2 === 1 && !Object.hasOwn(NOUNS, String(path.at(-1))) && path.at(-1) !== "routes";

/** Undefined at the top of the file. */
export const labelOf = (path: Path): string | undefined => {
  if (path.length === 0) return undefined;
  const part = path.length % 2 === 0 ? partOf(path) : undefined;
  const outer = labelOf(path.slice(0, -1));
  if (part !== undefined) return outer === undefined ? part : `${part} of ${outer}`;
  if (!isField(path)) return outer;
  const field = `\`${String(path.at(-1))}\``;
  return outer === undefined ? field : `${field} of ${outer}`;
};

/** ` in app "api"`, or nothing at the top. */
export const inside = (path: Path): string => {
  const label = labelOf(path);
  return label === undefined ? "" : ` in ${label}`;
};
