/** The only file that touches the document: it shows pages, follows links and moves the focus. */
import { makeApi } from "./api.ts";
import { loadPage, type Shown } from "./pages.ts";
import { isOwnLink, type Page, parsePath } from "./router.ts";
import { renderHero, renderLoading } from "./views.ts";

/** What the history remembers of a page: how far it was scrolled and how many pages of the list were open. */
type Memory = { readonly scroll: number; readonly pages: number };

const NAME = document.title;
/** Milliseconds before a page that is under way shows that it is. */
const HESITATION = 250;
/** Milliseconds after which addresses of pictures may have ended: storage signs them for 2.4 hours. */
const STALE = 2 * 3_600_000;

const main = find("main");
const announcer = find("#announcer");
const api = makeApi(await getApiBase(), fetch.bind(globalThis), () => performance.now());
let [current, shownAt] = [0, 0];

history.scrollRestoration = "manual";
addEventListener("popstate", () => void show({ focus: true, scroll: getMemory().scroll }));
addEventListener("pagehide", remember);
addEventListener("scrollend", remember);
document.addEventListener("click", onClick);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && performance.now() - shownAt > STALE) void show({ focus: false, scroll: scrollY });
});
// A picture that does not come leaves its frame, not a broken one. Such events do not bubble.
main.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && target.remove(), true);
await show({ focus: false, scroll: getMemory().scroll });

function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}

/** The configuration is optional: without it the API is on this site's own address. */
async function getApiBase(): Promise<string> {
  try {
    const response = await fetch("/config.json", { signal: AbortSignal.timeout(3_000) });
    const { apiBase } = (await response.json()) as { apiBase?: unknown };
    return typeof apiBase === "string" ? apiBase.replace(/\/+$/, "") : "";
  } catch {
    return "";
  }
}

function getMemory(): Memory {
  const { scroll = 0, pages = 1 } = (history.state ?? {}) as Partial<Memory>;
  return { scroll, pages };
}

function remember(): void {
  history.replaceState({ ...getMemory(), scroll: scrollY }, "");
}

async function show({ focus, scroll }: { readonly focus: boolean; readonly scroll: number }): Promise<void> {
  const ticket = (current += 1);
  const page = parsePath(location.pathname);
  const waiting = setTimeout(() => showWaiting(page), focus ? HESITATION : 0);
  main.setAttribute("aria-busy", "true");
  const shown = await loadPage(api, page, getMemory().pages);
  clearTimeout(waiting);
  if (ticket !== current) return;
  place(shown, page);
  shownAt = performance.now();
  scrollTo({ top: scroll, behavior: "instant" });
  if (focus) main.focus({ preventScroll: true });
}

function showWaiting(page: Page): void {
  main.innerHTML = (page.name === "home" ? renderHero().markup : "") + renderLoading().markup;
}

function place({ title, view }: Shown, page: Page): void {
  main.innerHTML = view.markup;
  main.dataset.page = page.name;
  main.removeAttribute("aria-busy");
  document.title = title === "" ? NAME : `${title} · ${NAME}`;
  announcer.textContent = document.title;
  for (const link of document.querySelectorAll(".top a")) markCurrent(link as HTMLAnchorElement);
}

function markCurrent(link: HTMLAnchorElement): void {
  const section = link.pathname !== "/" && location.pathname.startsWith(`${link.pathname}/`);
  const here = link.pathname === location.pathname ? "page" : section ? "true" : null;
  if (here === null) link.removeAttribute("aria-current");
  else link.setAttribute("aria-current", here);
}

function onClick(event: MouseEvent): void {
  const target = event.target as Element;
  const action = target.closest<HTMLElement>("[data-action]")?.dataset.action;
  const anchor = target.closest("a");
  if (action === "retry") void show({ focus: true, scroll: 0 });
  else if (action === "more") void showMore();
  else if (anchor !== null && isOwnLink(event, anchor, location)) {
    event.preventDefault();
    remember();
    history.pushState({ scroll: 0, pages: 1 }, "", anchor.pathname + anchor.search);
    void show({ focus: true, scroll: 0 });
  }
}

/** Keeps the place on the page and moves the focus to the first work that came. */
async function showMore(): Promise<void> {
  const before = main.querySelectorAll(".card").length;
  history.replaceState({ ...getMemory(), pages: getMemory().pages + 1 }, "");
  await show({ focus: true, scroll: scrollY });
  main.querySelectorAll<HTMLElement>(".card a")[before]?.focus({ preventScroll: true });
}
