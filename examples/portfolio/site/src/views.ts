/** What the pages look like: data in, markup out. */
import { toParagraphs } from "./delta.ts";
import { type Html, html } from "./html.ts";
import type { Contact, Content, Profile, Project, ProjectPage, Spotlight } from "./types.ts";

export function renderHome(spotlights: readonly Spotlight[], latest: readonly Project[], profile: Profile): Html {
  return html` ${renderHero()}
    <section class="spotlights" aria-labelledby="spotlights">
      <h2 id="spotlights" class="unseen">In the spotlight</h2>
      ${spotlights.slice(0, 3).map((spotlight, index) => renderSpotlight(spotlight, index))}
    </section>
    <section class="latest" aria-labelledby="latest">
      <div class="section-head">
        <h2 id="latest">Latest work</h2>
        <a href="/works">All work</a>
      </div>
      <ol class="index">
        ${latest.map(renderRow)}
      </ol>
    </section>
    <section class="invitation" aria-labelledby="invitation">
      <h2 id="invitation" class="unseen">About the studio</h2>
      <div class="lede">${toParagraphs(profile.description).slice(0, 1)}</div>
      <a href="/about">More about ${profile.firstName}</a>
    </section>`;
}

/** Needs no data, so it stands from the first moment. */
export function renderHero(): Html {
  return html` <section class="hero">
    <h1>Pictures, books and <em>quiet</em> identities.</h1>
    <p class="hero-note">A studio of one in Bergen, for people who make things slowly and well.</p>
  </section>`;
}

function renderSpotlight({ projectId, metadata, thumbnail }: Spotlight, index: number): Html {
  return html` <article class="spotlight spotlight-${index + 1}">
    <a href="/works/${projectId}">
      ${renderPicture(thumbnail, "", index === 0 ? "eager" : "lazy")}
      <div class="caption">
        <h3>${metadata.title}</h3>
        <p>${metadata.subTitle}</p>
      </div>
    </a>
  </article>`;
}

function renderRow(project: Project): Html {
  const { title, subTitle, client } = project.metadata;
  return html` <li>
    <a class="row" href="/works/${project.id}">
      <span class="row-year">${toYear(project)}</span>
      <span class="row-title">${title}</span>
      <span class="row-sub">${subTitle}</span>
      <span class="row-client">${client}</span>
      ${renderPicture(toCover(project), "", "lazy")}
    </a>
  </li>`;
}

export function renderWorks(pages: readonly ProjectPage[]): Html {
  const last = pages.at(-1);
  const projects = pages.flatMap((page) => page.projects);
  const more = last !== undefined && last.page < last.totalPages;
  return html` <header class="page-head">
      <h1>Work</h1>
      <p>Commissions and a few things nobody asked for.</p>
    </header>
    ${projects.length === 0 && html`<p class="notice">Nothing is on show at the moment.</p>`}
    <ul class="grid">
      ${projects.map(renderCard)}
    </ul>
    ${more && html`<p class="more"><button type="button" data-action="more">More work</button></p>`}`;
}

function renderCard(project: Project, index: number): Html {
  const { title, subTitle, client } = project.metadata;
  return html` <li class="card">
    <a href="/works/${project.id}">
      ${renderPicture(toCover(project), "", index < 2 ? "eager" : "lazy")}
      <h2>${title}</h2>
      <p>${subTitle}</p>
      <p class="small">${[client, toYear(project)].filter(Boolean).join(", ")}</p>
    </a>
  </li>`;
}

export function renderWork(project: Project): Html {
  const { title, subTitle, client } = project.metadata;
  const [first, ...rest] = project.contents.filter((content) => content.mimeType.startsWith("image/"));
  const toAlt = (index: number): string => `${title}, picture ${index} of ${rest.length + 1}`;
  return html` <article class="work">
    <header class="page-head">
      <h1>${title}</h1>
      <p>${subTitle}</p>
    </header>
    ${first !== undefined && html`<figure class="work-first">${renderPicture(first, toAlt(1), "eager")}</figure>`}
    <div class="work-text">
      <dl>
        ${
          client !== "" &&
          html`<div>
            <dt>For</dt>
            <dd>${client}</dd>
          </div>`
        }
        <div>
          <dt>Year</dt>
          <dd>${toYear(project)}</dd>
        </div>
        <div>
          <dt>Pictures</dt>
          <dd>${rest.length + (first === undefined ? 0 : 1)}</dd>
        </div>
      </dl>
      <div class="prose">${toParagraphs(project.description)}</div>
    </div>
    <div class="gallery">${rest.map((content, index) => html`<figure>${renderPicture(content, toAlt(index + 2), "lazy")}</figure>`)}</div>
    <p class="more"><a class="button" href="/works">All work</a></p>
  </article>`;
}

export function renderAbout(profile: Profile): Html {
  const name = [profile.firstName, profile.lastName].filter(Boolean).join(" ");
  return html` <article class="about">
    <h1>${name}</h1>
    ${profile.photoUrl && html`<figure class="about-photo">${renderImage(profile.photoUrl, `Portrait of ${name}`, "eager")}</figure>`}
    <div class="prose">
      ${toParagraphs(profile.description)}
      <p><a href="/contact">Get in touch</a></p>
    </div>
  </article>`;
}

export function renderContact(contact: Contact): Html {
  return html`<article class="contact">
    <h1>Contact</h1>
    <div class="prose">${toParagraphs(contact.description)}</div>
  </article>`;
}

export function renderMissing(): Html {
  return html` <section class="message">
    <p class="message-number" aria-hidden="true">404</p>
    <h1>There is nothing here.</h1>
    <p>The page has moved, or it never was. The work is still where it used to be.</p>
    <p><a class="button" href="/works">See the work</a></p>
  </section>`;
}

export function renderUnavailable(): Html {
  return html` <section class="message" role="alert">
    <h1>A short pause.</h1>
    <p>The pictures cannot be loaded right now. It is us and not you; it usually passes within a minute.</p>
    <p><button type="button" data-action="retry">Try again</button></p>
  </section>`;
}

/** The page's outline while its data is under way. */
export function renderLoading(): Html {
  return html`<div class="loading" role="status">
    <span class="unseen">Loading</span>
    <div></div>
    <div></div>
    <div></div>
  </div>`;
}

/** Without alt text where a title beside it says the same. The frame has its size before the picture comes. */
function renderPicture(content: Content | null, alt: string, loading: "eager" | "lazy"): Html {
  return html`<span class="frame">${content !== null && content.url !== "" && renderImage(content.url, alt, loading)}</span>`;
}

function renderImage(url: string, alt: string, loading: "eager" | "lazy"): Html {
  return html`<img
    src="${url}"
    alt="${alt}"
    loading="${loading}"
    decoding="async"
    ${loading === "eager" && html` fetchpriority="high"`}
  />`;
}

function toCover(project: Project): Content | null {
  return project.thumbnail ?? project.contents[0] ?? null;
}

function toYear(project: Project): string {
  return project.createdOn.slice(0, 4);
}
