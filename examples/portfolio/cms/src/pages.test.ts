import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";
import { parsePath } from "./router.ts";
import { renderProject, renderProjects } from "./views.ts";

const ID = "5eed0000-0000-4000-8000-000000000101";
const project = {
  id: ID,
  metadata: { title: '"><script>', subTitle: "", client: "" },
  description: null,
  visible: false,
  adult: false,
  createdOn: "2026-01-01T00:00:00Z",
  contents: [{ id: "c", mimeType: "image/png", url: 'https://s3.test/a?x=1&y="2"' }],
  thumbnail: null,
};

test("addresses", () => {
  expect(parsePath("/")).toEqual({ name: "projects" });
  expect(parsePath(`/projects/${ID.toUpperCase()}/`)).toEqual({ name: "project", id: ID });
  for (const [path, name] of Object.entries({
    "/about/": "about",
    "/contact": "contact",
    "/projects/1": "missing",
    "/constructor": "missing",
  }))
    expect(parsePath(path).name, path).toBe(name);
});

test("the configuration needs an issuer and a client", () => {
  const config = { issuer: "https://auth.test/realms/p/", clientId: "portfolio" };
  expect(parseConfig(config)).toEqual({ ...config, apiBase: "" });
  expect(parseConfig({ ...config, apiBase: "https://api.test/" }).apiBase).toBe("https://api.test");
  for (const bad of [null, {}, { ...config, issuer: "auth" }, { ...config, clientId: "" }])
    expect(() => parseConfig(bad)).toThrow("config.json");
});

test("everything that comes from the API is escaped", () => {
  for (const { markup } of [renderProjects([project], new Set()), renderProject(project, false)]) {
    expect(markup).not.toContain("<script>");
    expect(markup).toContain('src="https://s3.test/a?x=1&amp;y=&quot;2&quot;"');
  }
});

test("a project's state is on its row", () => {
  expect(renderProjects([project], new Set()).markup).toMatch(/Hidden[^]*1 picture\b/);
  expect(renderProjects([{ ...project, visible: true, adult: true, contents: [] }], new Set([ID])).markup).toMatch(
    /Public[^]*Spotlight[^]*Adult[^]*0 pictures/,
  );
});
