/** Addresses of the CMS as values. */
export type Page =
  | { readonly name: "projects" }
  | { readonly name: "project"; readonly id: string }
  | { readonly name: "about" }
  | { readonly name: "contact" }
  | { readonly name: "missing" };

const PLAIN: Readonly<Record<string, Page>> = {
  "/": { name: "projects" },
  "/projects": { name: "projects" },
  "/about": { name: "about" },
  "/contact": { name: "contact" },
};

const PROJECT = /^\/projects\/([0-9a-f-]{36})$/i;

/** A slash at the end makes no difference. */
export function parsePath(path: string): Page {
  const plain = path.replace(/\/+$/, "") || "/";
  const id = PROJECT.exec(plain)?.[1];
  if (id !== undefined) return { name: "project", id: id.toLowerCase() };
  return Object.hasOwn(PLAIN, plain) ? (PLAIN[plain] as Page) : { name: "missing" };
}
