/** From an address to a title and a view. */
import { type Api, ApiError } from "./api.ts";
import type { Html } from "./html.ts";
import type { Page } from "./router.ts";
import { renderAbout, renderContact, renderHome, renderMissing, renderUnavailable, renderWork, renderWorks } from "./views.ts";

export type Shown = { readonly title: string; readonly view: Html };

const PAGE_SIZE = 6;

/** Never throws: whatever goes wrong is a page too. `pages` says how much of the list was opened. */
export async function loadPage(api: Api, page: Page, pages = 1): Promise<Shown> {
  try {
    return await load(api, page, pages);
  } catch (error) {
    const missing = error instanceof ApiError && error.kind === "missing" && page.name === "work";
    return missing ? MISSING : { title: "A short pause", view: renderUnavailable() };
  }
}

const MISSING: Shown = { title: "Not found", view: renderMissing() };

async function load(api: Api, page: Page, pages: number): Promise<Shown> {
  switch (page.name) {
    case "home":
      return loadHome(api);
    case "works":
      return { title: "Work", view: renderWorks(await Promise.all(listPages(pages).map((number) => api.listProjects(number, PAGE_SIZE)))) };
    case "work": {
      const project = await api.getProject(page.id);
      return { title: project.metadata.title, view: renderWork(project) };
    }
    case "about":
      return { title: "About", view: renderAbout(await api.getProfile()) };
    case "contact":
      return { title: "Contact", view: renderContact(await api.getContact()) };
    case "missing":
      return MISSING;
  }
}

async function loadHome(api: Api): Promise<Shown> {
  const [spotlights, latest, profile] = await Promise.all([api.listSpotlights(), api.listProjects(1, PAGE_SIZE), api.getProfile()]);
  return {
    title: "",
    view: renderHome(
      spotlights.filter((spotlight) => !spotlight.adult),
      latest.projects,
      profile,
    ),
  };
}

function listPages(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
