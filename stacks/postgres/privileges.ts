/** Privileges as PostgreSQL's catalogue writes them. Pure. */
import type { JsonObject } from "../../provisioner/plan/resource.ts";

const ITEM = /^("(?:[^"]|"")*"|[^"=]*)=([^/]*)\//;
const unquote = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

/** `r*` is `r` with the right to pass it on. */
const addLetters = (known: string, more: string): string =>
  known + (more.match(/[A-Za-z]\*?/g) ?? []).filter((letter) => !known.includes(letter)).join("");

/** `role=letters/grantor` items as role to letters, whoever granted them; the empty role is PUBLIC. */
export const toGrants = (items: unknown): JsonObject => {
  const grants = new Map<string, string>();
  for (const item of Array.isArray(items) ? (items as readonly string[]) : []) {
    const [, quoted = "", letters = ""] = ITEM.exec(item) ?? [];
    const grantee = quoted === "" ? "PUBLIC" : unquote(quoted);
    grants.set(grantee, addLetters(grants.get(grantee) ?? "", letters));
  }
  return Object.fromEntries([...grants].toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

export const without = (grants: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(grants).filter(([key]) => key !== name));
