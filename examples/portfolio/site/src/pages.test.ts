import { expect, test } from "vitest";
import { type Api, ApiError } from "./api.ts";
import { loadPage } from "./pages.ts";
import type { Project, ProjectPage } from "./types.ts";

const ID = "5eed0000-0000-4000-8000-000000000101";
const picture = (name: string) => ({ id: name, mimeType: "image/svg+xml", url: `/seed/${name}.svg` });
const project: Project = {
  id: ID,
  metadata: { title: "Salt <Line>", subTitle: "Sub", client: "" },
  description: { ops: [{ insert: "Text\n" }] },
  createdOn: "2026-01-22T10:00:00.000Z",
  contents: [picture("one"), picture("two"), { id: "film", mimeType: "video/mp4", url: "/film" }],
  thumbnail: null,
};
const toPage = (page: number): ProjectPage => ({ page, size: 6, totalPages: 2, projects: [project] });
const api: Api = {
  listProjects: async (page) => toPage(page),
  getProject: async () => project,
  listSpotlights: async () => [
    { id: "s", projectId: ID, adult: true, metadata: { ...project.metadata, title: "Adult" }, thumbnail: null },
    { id: "t", projectId: ID, adult: false, metadata: project.metadata, thumbnail: picture("one") },
  ],
  getProfile: async () => ({ firstName: "Noor", lastName: "H", description: { ops: [{ insert: "First\nSecond\n" }] }, photoUrl: null }),
  getContact: async () => ({ description: null }),
};
const failing = (kind: ApiError["kind"]): Api => ({
  ...api,
  listProjects: () => Promise.reject(new ApiError(kind, "")),
  getProject: () => Promise.reject(new ApiError(kind, "")),
});

test("home shows spotlights, the latest work and the first paragraph about the person", async () => {
  const { title, view } = await loadPage(api, { name: "home" });
  expect(title).toBe("");
  expect(view.markup).toContain(`href="/works/${ID}"`);
  expect(view.markup).toContain("Salt &lt;Line&gt;");
  expect(view.markup).toContain("First");
  expect(view.markup).not.toMatch(/Second|Adult/);
});

test("more work is offered until the last page", async () => {
  expect((await loadPage(api, { name: "works" })).view.markup).toContain('data-action="more"');
  const { view } = await loadPage(api, { name: "works" }, 2);
  expect(view.markup).not.toContain('data-action="more"');
  expect(view.markup.match(/class="card"/g)).toHaveLength(2);
});

test("a work has its pictures with alt text, and only pictures", async () => {
  const { title, view } = await loadPage(api, { name: "work", id: ID });
  expect(title).toBe("Salt <Line>");
  expect(view.markup).toContain('alt="Salt &lt;Line&gt;, picture 2 of 2"');
  expect(view.markup.match(/<img/g)).toHaveLength(2);
  expect(view.markup).not.toContain("<dt>For");
});

test("pages without pictures, text or photo still stand", async () => {
  const empty: Api = { ...api, getProject: async () => ({ ...project, contents: [], description: null }) };
  for (const page of [{ name: "work", id: ID }, { name: "about" }, { name: "contact" }] as const)
    expect((await loadPage(empty, page)).view.markup).toContain("<h1>");
});

test("what is missing and what is out of order look different", async () => {
  expect((await loadPage(failing("missing"), { name: "work", id: ID })).title).toBe("Not found");
  expect((await loadPage(api, { name: "missing" })).title).toBe("Not found");
  const { view } = await loadPage(failing("unavailable"), { name: "home" });
  expect(view.markup).toContain('data-action="retry"');
  expect((await loadPage(failing("missing"), { name: "works" })).view.markup).toContain('data-action="retry"');
});

test("no page holds inline styles or scripts", async () => {
  for (const page of [
    { name: "home" },
    { name: "works" },
    { name: "work", id: ID },
    { name: "about" },
    { name: "contact" },
    { name: "missing" },
  ] as const) {
    expect((await loadPage(api, page)).view.markup).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=/);
  }
});
