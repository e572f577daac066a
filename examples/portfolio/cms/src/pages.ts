/** One function for each page: it loads, draws and listens. */
import type { Api } from "./api.ts";
import { confirmRemoval, fill, find, notify } from "./document.ts";
import { attachEditor } from "./editor.ts";
import type { Page } from "./router.ts";
import type { Project } from "./types.ts";
import { uploadFiles } from "./uploads.ts";
import { renderAbout, renderContact, renderMessage, renderPictures, renderProject, renderProjects } from "./views.ts";

export type Desk = {
  readonly api: Api;
  readonly main: HTMLElement;
  readonly go: (path: string) => void;
  /** Runs what may fail and tells the person; gives undefined where it failed. */
  readonly attempt: <T>(work: () => Promise<T>, done?: string) => Promise<T | undefined>;
  /** Something on this page is not saved. */
  readonly setUnsaved: (unsaved: boolean) => void;
};

/** Where clicks and the like of this page go; removed with the page. */
type On = (type: "click" | "change" | "submit", action: string, listener: (element: HTMLElement) => Promise<void> | void) => void;

/** Gives what draws the page, once everything is loaded. */
export async function loadPage(desk: Desk, page: Page): Promise<(root: HTMLElement) => void> {
  switch (page.name) {
    case "projects":
      return loadProjects(desk);
    case "project":
      return loadProject(desk, page.id);
    case "about":
      return loadAbout(desk);
    case "contact":
      return loadContact(desk);
    case "missing":
      return (root) =>
        fill(root, renderMessage("There is nothing here.", "The address leads nowhere.", { name: "home", label: "Projects" }));
  }
}

function listen(root: HTMLElement): On {
  return (type, action, listener) =>
    root.addEventListener(type, (event) => {
      const element = (event.target as Element).closest<HTMLElement>(type === "submit" ? "[data-form]" : "[data-action]");
      if ((element?.dataset.action ?? element?.dataset.form) !== action || element === null) return;
      if (type === "submit") event.preventDefault();
      void listener(element);
    });
}

const read = (form: HTMLElement, name: string): string => find<HTMLInputElement>(`[name="${name}"]`, form).value.trim();
const isOn = (form: HTMLElement, name: string): boolean => find<HTMLInputElement>(`[name="${name}"]`, form).checked;
const readMetadata = (form: HTMLElement) => ({
  title: read(form, "title"),
  subTitle: read(form, "subTitle"),
  client: read(form, "client"),
});
const takeFiles = (input: HTMLElement): readonly File[] => {
  const files = [...((input as HTMLInputElement).files ?? [])];
  (input as HTMLInputElement).value = "";
  return files;
};

async function loadProjects({ api, go, attempt }: Desk) {
  const [projects, spotlights] = await Promise.all([api.listProjects(), api.listSpotlights()]);
  const spotlit = new Set(spotlights.map(({ projectId }) => projectId));
  return (root: HTMLElement): void => {
    fill(root, renderProjects(projects, spotlit));
    const on = listen(root);
    on("submit", "create", async (form) => {
      const made = await attempt(() => api.addProject(readMetadata(form)), "Created. It is hidden until you make it public.");
      if (made !== undefined) go(`/projects/${made.id}`);
    });
    on("click", "delete-project", async (button) => {
      const { id = "" } = button.closest<HTMLElement>("[data-id]")?.dataset ?? {};
      if (!(await confirmRemoval(`Delete “${button.dataset.name}” and all its pictures?`))) return;
      if ((await attempt(() => api.removeProject(id).then(() => true), "Deleted.")) === true) go("/projects");
    });
  };
}

async function loadProject(desk: Desk, id: string) {
  const [project, spotlights] = await Promise.all([desk.api.getProject(id), desk.api.listSpotlights()]);
  const spotlight = spotlights.find(({ projectId }) => projectId === id);
  return (root: HTMLElement): void => {
    fill(root, renderProject(project, spotlight !== undefined));
    attachProjectForm(desk, root, project);
    attachPictures(desk, root, id);
    attachSpotlight(desk, root, id);
  };
}

function attachProjectForm(desk: Desk, root: HTMLElement, project: Project): void {
  const form = find("[data-form=project]", root);
  const state = attachState(desk, form);
  const editor = attachEditor(form, project.description, state.changed);
  listen(root)("submit", "project", () =>
    state.save(async () => {
      const change = {
        metadata: readMetadata(form),
        description: editor.read(),
        visible: isOn(form, "visible"),
        adult: isOn(form, "adult"),
      };
      const { metadata } = await desk.api.changeProject(project.id, change);
      find("h1", root).textContent = metadata.title;
    }),
  );
}

function attachPictures(desk: Desk, root: HTMLElement, id: string): void {
  const { api, attempt } = desk;
  const on = listen(root);
  const redraw = async (): Promise<void> => {
    const project = await attempt(() => api.getProject(id));
    if (project === undefined || !root.isConnected) return;
    const failed = [...root.querySelectorAll(".uploads > .failed")];
    find("#pictures", root).outerHTML = renderPictures(project).markup;
    find(".uploads", root).append(...failed);
  };
  const contentOf = (button: HTMLElement): string => button.closest<HTMLElement>("[data-content]")?.dataset.content ?? "";
  const upload = async (files: readonly File[]): Promise<void> => {
    const arrived = await uploadFiles(find(".uploads", root), files, (file, progress, signal) =>
      api.addPicture(id, file, progress, signal),
    );
    if (arrived > 0) notify(arrived === 1 ? "The picture is there." : `${arrived} pictures are there.`);
    if (arrived > 0) await redraw();
  };
  on("change", "upload", (input) => upload(takeFiles(input)));
  attachDrop(root, upload);
  on("click", "thumbnail", async (button) => {
    if ((await attempt(() => api.setThumbnail(id, contentOf(button)), "This is the thumbnail now.")) !== undefined) await redraw();
  });
  on("click", "delete-picture", async (button) => {
    if (!(await confirmRemoval("Delete this picture?"))) return;
    if ((await attempt(() => api.removePicture(id, contentOf(button)), "Deleted.")) !== undefined) await redraw();
  });
}

function attachSpotlight({ api, attempt }: Desk, root: HTMLElement, id: string): void {
  listen(root)("change", "spotlight", async (element) => {
    const box = element as HTMLInputElement;
    const wanted = box.checked;
    box.disabled = true;
    const done = await attempt(
      async () => {
        const known = (await api.listSpotlights()).find(({ projectId }) => projectId === id);
        if (wanted && known === undefined) await api.addSpotlight(id);
        if (!wanted && known !== undefined) await api.removeSpotlight(known.id);
        return true;
      },
      wanted ? "In the spotlight." : "Out of the spotlight.",
    );
    box.disabled = false;
    if (done !== true) box.checked = !wanted;
  });
}

async function loadAbout(desk: Desk) {
  const { api, attempt, go } = desk;
  const profile = await api.getProfile();
  return (root: HTMLElement): void => {
    fill(root, renderAbout(profile));
    const on = listen(root);
    const form = find("[data-form=about]", root);
    const state = attachState(desk, form);
    const editor = attachEditor(form, profile.description, state.changed);
    on("submit", "about", () =>
      state.save(() =>
        api.changeProfile({
          ...profile,
          firstName: read(form, "firstName"),
          lastName: read(form, "lastName"),
          description: editor.read(),
        }),
      ),
    );
    const upload = async ([file]: readonly File[]): Promise<void> => {
      if (file === undefined) return;
      const send = (each: File, ...rest: [(sent: number, total: number) => void, AbortSignal]) => api.setPhoto(profile.id, each, ...rest);
      if ((await uploadFiles(find(".uploads", root), [file], send)) === 0) return;
      notify("The portrait is there.");
      go("/about");
    };
    on("change", "photo", (input) => upload(takeFiles(input)));
    attachDrop(root, upload);
    on("click", "delete-photo", async () => {
      if (!(await confirmRemoval("Remove the portrait?"))) return;
      if ((await attempt(() => api.removePhoto(profile.id), "Removed.")) !== undefined) go("/about");
    });
  };
}

async function loadContact(desk: Desk) {
  const contact = await desk.api.getContact();
  return (root: HTMLElement): void => {
    fill(root, renderContact(contact));
    const form = find("[data-form=contact]", root);
    const state = attachState(desk, form);
    const editor = attachEditor(form, contact.description, state.changed);
    listen(root)("submit", "contact", () => state.save(() => desk.api.changeContact({ id: contact.id, description: editor.read() })));
  };
}

/** The line beside Save, and the warning before leaving with unsaved changes. */
function attachState({ attempt, setUnsaved }: Desk, form: HTMLElement) {
  const line = find(".save-state", form);
  const button = find<HTMLButtonElement>(".save button", form);
  const changed = (): void => {
    line.textContent = "Not saved yet";
    setUnsaved(true);
  };
  form.addEventListener("input", changed);
  const save = async (work: () => Promise<unknown>): Promise<void> => {
    button.disabled = true;
    const saved = await attempt(() => work().then(() => true), "Saved.");
    button.disabled = false;
    if (saved !== true) return;
    line.textContent = "";
    setUnsaved(false);
  };
  return { changed, save };
}

function attachDrop(root: HTMLElement, take: (files: readonly File[]) => Promise<void>): void {
  const mark = (on: boolean): void => void root.querySelector(".drop")?.classList.toggle("over", on);
  root.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  root.addEventListener("dragleave", () => mark(false));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    void take([...(event.dataTransfer?.files ?? [])]);
  });
}
