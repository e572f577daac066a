/** What the pages look like: data in, markup out. */
import type { Page } from "./router.ts";
import { toMarkup } from "./delta.ts";
import { type Html, html } from "./html.ts";
import type { Contact, Content, Profile, Project } from "./types.ts";

export function renderProjects(projects: readonly Project[], spotlit: ReadonlySet<string>): Html {
  return html`<header class="head">
      <h1>Projects</h1>
      <p>
        ${projects.length === 1 ? "One project" : `${projects.length} projects`}, newest first. The site shows those that are public and
        have a picture.
      </p>
    </header>
    <form class="new" data-form="create" aria-label="New project">
      ${renderField("title", "Title", "", { required: true })} ${renderField("subTitle", "Subtitle", "")}
      ${renderField("client", "For", "")}
      <button class="strong">Create</button>
    </form>
    <ul class="projects">
      ${projects.map((project) => renderRow(project, spotlit.has(project.id)))}
    </ul>`;
}

function renderRow(project: Project, spotlit: boolean): Html {
  const { title, subTitle } = project.metadata;
  const count = project.contents.length;
  return html`<li class="row" data-id="${project.id}">
    <a href="/projects/${project.id}">
      ${renderFrame(project.thumbnail ?? project.contents[0] ?? null)}
      <span class="row-text">
        <span class="row-title">${title}</span>
        <span class="row-sub">${subTitle}</span>
        <span class="marks">
          <span class="mark-${project.visible ? "on" : "off"}">${project.visible ? "Public" : "Hidden"}</span>
          ${spotlit && html`<span class="mark-on">Spotlight</span>`} ${project.adult && html`<span>Adult</span>`}
          <span>${count === 1 ? "1 picture" : `${count} pictures`}</span>
        </span>
      </span>
    </a>
    <button type="button" class="plain quiet" data-action="delete-project" data-name="${title}" aria-label="Delete ${title}">Delete</button>
  </li>`;
}

export function renderProject(project: Project, spotlit: boolean): Html {
  const { title, subTitle, client } = project.metadata;
  return html`<header class="head">
      <p><a href="/projects">All projects</a></p>
      <h1>${title}</h1>
    </header>
    <div class="desk">
      <form class="fields" data-form="project" aria-label="Text">
        ${renderField("title", "Title", title, { required: true })} ${renderField("subTitle", "Subtitle", subTitle)}
        ${renderField("client", "For", client)} ${renderEditor("Description", project.description)}
        <div class="switches">
          ${renderSwitch("visible", "Public", "Everybody can see it.", project.visible)}
          ${renderSwitch("adult", "For adults", "The site leaves it out.", project.adult)}
        </div>
        ${renderSave()}
      </form>
      <section class="pictures" aria-label="Pictures">
        <div class="switches">
          <label class="switch">
            <input type="checkbox" data-action="spotlight" ${spotlit && html`checked`} />
            <span><b>In the spotlight</b> On the first page of the site.</span>
          </label>
        </div>
        ${renderPictures(project)}
      </section>
    </div>`;
}

export function renderPictures(project: Project): Html {
  const count = project.contents.length;
  return html`<div id="pictures">
    <label class="drop">
      <input type="file" name="photo" accept="image/png,image/jpeg,image/gif,image/webp,image/avif" multiple data-action="upload" />
      <span><b>Add pictures</b> Choose them or drop them here. PNG, JPEG, GIF, WebP or AVIF, up to 50 MB each.</span>
    </label>
    <ul class="uploads" aria-live="polite"></ul>
    ${count === 0 && html`<p class="small">Without a picture the site does not list this project.</p>`}
    <ul class="gallery">
      ${project.contents.map((content, index) => renderPicture(content, index, project.thumbnail?.id === content.id))}
    </ul>
  </div>`;
}

function renderPicture(content: Content, index: number, chosen: boolean): Html {
  const name = `picture ${index + 1}`;
  return html`<li data-content="${content.id}" ${chosen && html`class="chosen"`}>
    ${renderFrame(content, `Picture ${index + 1}`)}
    <div class="buttons">
      <button
        type="button"
        class="plain"
        data-action="thumbnail"
        aria-pressed="${chosen ? "true" : "false"}"
        aria-label="Thumbnail: ${name}"
      >
        ${chosen ? "Thumbnail" : "Make thumbnail"}
      </button>
      <button type="button" class="plain quiet" data-action="delete-picture" aria-label="Delete ${name}">Delete</button>
    </div>
  </li>`;
}

/** One file on its way. */
export function renderUpload(name: string): Html {
  return html`<span class="upload-name">${name}</span>
    <progress max="1" value="0" aria-label="${name}"></progress>
    <span class="upload-state">Waiting</span>
    <button type="button" class="plain quiet" aria-label="Cancel ${name}">Cancel</button>`;
}

export function renderAbout(profile: Profile): Html {
  return html`<header class="head">
      <h1>About</h1>
      <p>Who the portfolio is about.</p>
    </header>
    <div class="desk">
      <form class="fields" data-form="about" aria-label="Text">
        ${renderField("firstName", "First name", profile.firstName)} ${renderField("lastName", "Last name", profile.lastName)}
        ${renderEditor("Text", profile.description)} ${renderSave()}
      </form>
      <section class="pictures" aria-label="Portrait">
        <div class="portrait">
          ${profile.photoUrl === null ? html`<p class="small">There is no portrait.</p>` : renderImage(profile.photoUrl, "Portrait")}
        </div>
        <label class="drop">
          <input type="file" name="file" accept="image/png,image/jpeg,image/gif,image/webp,image/avif" data-action="photo" />
          <span
            ><b>${profile.photoUrl === null ? "Add a portrait" : "Replace the portrait"}</b> Choose it or drop it here, up to 50 MB.</span
          >
        </label>
        <ul class="uploads" aria-live="polite"></ul>
        ${profile.photoUrl !== null && html`<button type="button" class="plain quiet" data-action="delete-photo">Remove the portrait</button>`}
      </section>
    </div>`;
}

export function renderContact(contact: Contact): Html {
  return html`<header class="head">
      <h1>Contact</h1>
      <p>How people get in touch.</p>
    </header>
    <form class="fields single" data-form="contact" aria-label="Text">${renderEditor("Text", contact.description)} ${renderSave()}</form>`;
}

export function renderMessage(title: string, text: string, action?: { readonly name: string; readonly label: string }): Html {
  return html`<section class="message" role="alert">
    <h1>${title}</h1>
    <p>${text}</p>
    ${action && html`<p><button type="button" class="strong" data-action="${action.name}">${action.label}</button></p>`}
  </section>`;
}

export function renderLoading(): Html {
  return html`<div class="loading" role="status">
    <span class="unseen">Loading</span>
    <div></div>
    <div></div>
    <div></div>
  </div>`;
}

export const TITLES: Readonly<Record<Page["name"], string>> = {
  projects: "Projects",
  project: "Project",
  about: "About",
  contact: "Contact",
  missing: "Not found",
};

function renderField(name: string, label: string, value: string, { required = false } = {}): Html {
  return html`<label class="field">
    <span>${label}</span>
    <input name="${name}" value="${value}" maxlength="200" autocomplete="off" ${required && html`required pattern=".*\\S.*"`} />
  </label>`;
}

function renderSwitch(name: string, label: string, hint: string, on: boolean): Html {
  return html`<label class="switch">
    <input type="checkbox" name="${name}" ${on && html`checked`} />
    <span><b>${label}</b> ${hint}</span>
  </label>`;
}

function renderEditor(label: string, delta: unknown): Html {
  return html`<div class="field editor">
    <span id="editor-label">${label}</span>
    <div class="tools" role="toolbar" aria-label="Emphasis and links">
      <button type="button" class="plain" data-tool="bold" aria-label="Bold"><b>B</b></button>
      <button type="button" class="plain" data-tool="italic" aria-label="Italic"><i>I</i></button>
      <button type="button" class="plain" data-tool="link">Link</button>
      <button type="button" class="plain" data-tool="unlink">No link</button>
    </div>
    <div class="text" contenteditable="true" role="textbox" aria-multiline="true" aria-labelledby="editor-label">${toMarkup(delta)}</div>
  </div>`;
}

function renderSave(): Html {
  return html`<p class="save">
    <button class="strong">Save</button>
    <span class="save-state" role="status"></span>
  </p>`;
}

/** The frame has its size before the picture comes. */
function renderFrame(content: Content | null, alt = ""): Html {
  return html`<span class="frame">${content !== null && content.url !== "" && renderImage(content.url, alt)}</span>`;
}

function renderImage(url: string, alt: string): Html {
  return html`<img src="${url}" alt="${alt}" loading="lazy" decoding="async" />`;
}
