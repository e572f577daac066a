/** Addresses of the site as values. */
export type Page =
  | { readonly name: "home" }
  | { readonly name: "works" }
  | { readonly name: "work"; readonly id: string }
  | { readonly name: "about" }
  | { readonly name: "contact" }
  | { readonly name: "missing" };

const PLAIN: Readonly<Record<string, Page>> = {
  "/": { name: "home" },
  "/works": { name: "works" },
  "/about": { name: "about" },
  "/contact": { name: "contact" },
};

const WORK = /^\/works\/([0-9a-f-]{36})$/i;

/** A slash at the end makes no difference. */
export function parsePath(path: string): Page {
  const plain = path.replace(/\/+$/, "") || "/";
  const id = WORK.exec(plain)?.[1];
  if (id !== undefined) return { name: "work", id: id.toLowerCase() };
  return Object.hasOwn(PLAIN, plain) ? (PLAIN[plain] as Page) : { name: "missing" };
}

type Click = Pick<MouseEvent, "button" | "metaKey" | "ctrlKey" | "shiftKey" | "altKey" | "defaultPrevented">;
type Anchor = Pick<HTMLAnchorElement, "href" | "target" | "origin" | "pathname" | "hash">;

/** Whether the site itself follows a link: a plain click, same origin, another page and not a file. */
export function isOwnLink(click: Click, anchor: Anchor, here: { readonly origin: string }): boolean {
  const plain = click.button === 0 && !click.metaKey && !click.ctrlKey && !click.shiftKey && !click.altKey && !click.defaultPrevented;
  const page = anchor.origin === here.origin && anchor.hash === "" && !/\.[a-z0-9]+$/i.test(anchor.pathname);
  return plain && page && (anchor.target === "" || anchor.target === "_self");
}
