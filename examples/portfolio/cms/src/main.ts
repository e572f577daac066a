/** Logs in, then shows pages and follows links. */
import { ApiError, makeApi } from "./api.ts";
import { type Config, parseConfig } from "./config.ts";
import { fill, find, notify } from "./document.ts";
import { LoginError } from "./oidc.ts";
import { type Desk, loadPage } from "./pages.ts";
import { parsePath } from "./router.ts";
import { sendForm } from "./sender.ts";
import { finishLogin, RETURN_PATH, type Session, startLogin, type World } from "./session.ts";
import { renderLoading, renderMessage, TITLES } from "./views.ts";

const main = find("main");
const world: World = {
  fetcher: fetch.bind(globalThis),
  now: () => performance.now(),
  origin: location.origin,
  storage: sessionStorage,
  leave: (address) => location.assign(address),
};

// A picture that does not come leaves its frame, not a broken one. Such events do not bubble.
main.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && target.remove(), true);
fill(main, renderLoading());
try {
  await begin(parseConfig(await (await fetch("/config.json")).json()));
} catch (error) {
  showMessage("This page is not set up.", error instanceof Error ? error.message : "config.json cannot be read.");
}

async function begin(config: Config): Promise<void> {
  const login = async (path: string): Promise<void> => {
    try {
      await startLogin(world, config, path);
    } catch (error) {
      showLoginProblem(error, path);
    }
  };
  document.addEventListener("click", (event) => {
    const { action } = (event.target as Element).closest<HTMLElement>("[data-action=login]")?.dataset ?? {};
    if (action === "login") void login(location.pathname === RETURN_PATH ? "/" : location.pathname);
  });
  if (location.pathname !== RETURN_PATH) return login(location.pathname);
  try {
    const { session, path } = await finishLogin(world, config, new URLSearchParams(location.search));
    history.replaceState(null, "", path);
    work(config, session, login);
  } catch (error) {
    showLoginProblem(error, "/");
  }
}

function showLoginProblem(error: unknown, path: string): void {
  history.replaceState(null, "", path);
  const away = error instanceof LoginError && error.kind === "away";
  const text = error instanceof LoginError ? error.message : "Something unexpected happened.";
  showMessage(away ? "The login service is away." : "You are not logged in.", `${text}.`, { name: "login", label: "Log in" });
}

function showMessage(title: string, text: string, action?: { readonly name: string; readonly label: string }): void {
  fill(main, renderMessage(title, text, action));
}

function work(config: Config, session: Session, login: (path: string) => Promise<void>): void {
  let [current, unsaved] = [0, false];
  const go = (path: string): void => {
    if (path !== location.pathname) history.pushState(null, "", path);
    void show();
  };
  const desk: Desk = {
    api: makeApi(config.apiBase, session, world.fetcher, sendForm),
    main,
    go,
    setUnsaved: (value) => (unsaved = value),
    attempt: async (task, done) => {
      try {
        const result = await task();
        if (done !== undefined) notify(done);
        return result;
      } catch (error) {
        const again = error instanceof ApiError && error.problem === "login" ? { name: "login", label: "Log in" } : undefined;
        notify(error instanceof ApiError ? error.message : "This did not work.", "problem", again);
        return undefined;
      }
    },
  };
  const mayLeave = (): boolean => !unsaved || confirm("There are unsaved changes. Leave without saving?");

  async function show(): Promise<void> {
    const ticket = (current += 1);
    const page = parsePath(location.pathname);
    unsaved = false;
    const waiting = setTimeout(() => fill(main, renderLoading()), 250);
    const draw = await loadPage(desk, page).catch((error: unknown) => (root: HTMLElement) => showFailure(root, error));
    clearTimeout(waiting);
    if (ticket !== current) return;
    // A page's listeners go with its root.
    const root = document.createElement("div");
    root.dataset.page = page.name;
    main.replaceChildren(root);
    draw(root);
    document.title = `${TITLES[page.name]} · Desk`;
    markCurrent();
    scrollTo({ top: 0, behavior: "instant" });
    main.focus({ preventScroll: true });
  }

  function showFailure(root: HTMLElement, error: unknown): void {
    const problem = error instanceof ApiError ? error.problem : "wrong";
    const text = error instanceof Error ? error.message : "This did not work.";
    if (problem === "login") return void login(location.pathname);
    if (problem === "forbidden") return fill(root, renderMessage("Not for this account.", text, { name: "logout", label: "Log out" }));
    if (problem === "missing") return fill(root, renderMessage("There is nothing here.", text, { name: "home", label: "Projects" }));
    fill(root, renderMessage("A short pause.", text, { name: "retry", label: "Try again" }));
  }

  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const { action } = target.closest<HTMLElement>("[data-action]")?.dataset ?? {};
    if (action === "logout" && mayLeave()) {
      unsaved = false;
      session.logout();
    }
    if (action === "retry") void show();
    if (action === "home") go("/projects");
    const anchor = target.closest("a");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain || anchor === null || anchor.origin !== location.origin || anchor.hash !== "" || anchor.isContentEditable) return;
    event.preventDefault();
    if (mayLeave()) go(anchor.pathname);
  });
  addEventListener("popstate", () => void show());
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  find("#who").textContent = session.name;
  find(".top nav").hidden = false;
  void show();
}

function markCurrent(): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".top nav a")) {
    const here = link.pathname === location.pathname || (link.pathname === "/projects" && /^\/(projects\/.*)?$/.test(location.pathname));
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
