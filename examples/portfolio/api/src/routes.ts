/** The table of everything that can be asked, and what answers it. */
import { requireAdmin } from "./access.ts";
import type { Health } from "./health.ts";
import type { Media } from "./media.ts";
import { describeApi } from "./openapi.ts";
import { HttpError, notFound, ok, type Reply } from "./reply.ts";
import type { Context, Route } from "./router.ts";
import { isContactChange, isMetadata, isProfileChange, isProjectChange, isSpotlightChoice, parsePageQuery, validate } from "./schemas.ts";
import { toContact, toContent, toProfile, toProject, toSpotlight } from "./shapes.ts";
import type { Store } from "./store.ts";

export type Parts = { readonly store: Store; readonly media: Media; readonly health: Health; readonly version: string };

type Handle = (context: Context) => Promise<Reply>;

export function makeRoutes(parts: Parts): readonly Route[] {
  const routes = [
    ...healthRoutes(parts),
    ...spotlightRoutes(parts),
    ...projectRoutes(parts),
    ...profileRoutes(parts),
    ...contactRoutes(parts),
  ];
  const description = describeApi(routes, parts.version);
  return [...routes, open("/openapi.json", async () => ok(description))];
}

const open = (pattern: string, handle: Handle): Route => ({ method: "GET", pattern, access: "open", handle });
const read = (pattern: string, handle: Handle): Route => ({ method: "GET", pattern, access: "public", handle });
const admin = (method: string, pattern: string, handle: Handle): Route => ({ method, pattern, access: "admin", handle });

/** These are also what the metrics port answers, so they need no key. */
export function healthRoutes({ health, version }: Pick<Parts, "health" | "version">): readonly Route[] {
  return [
    open("/ping", async () => ok({ message: "API is responsive" })),
    open("/livez", async () => ok({ status: "live" })),
    open("/readyz", () => health.getReply()),
    open("/version", async () => ok({ version, schema: health.expected })),
  ];
}

function projectRoutes({ store, media }: Parts): readonly Route[] {
  const all = "/api/portfolio/v1/projects";
  const one = `${all}/:id`;
  const dropped = makeDropped(media);
  const getProject = async (id: string) => toProject(media, (await store.findProject(id)) ?? fail("project"));
  return [
    read("/api/portfolio/v2/projects", async ({ query, caller }) => {
      const wanted = parsePageQuery(query);
      if (!wanted.visible) requireAdmin(caller);
      const { totalPages, projects } = await store.listPage(wanted);
      const shown = await Promise.all(projects.map((row) => toProject(media, row)));
      return ok({ page: wanted.page, size: wanted.size, totalPages, projects: shown });
    }),
    admin("GET", all, async () => ok(await Promise.all((await store.listProjects()).map((row) => toProject(media, row))))),
    admin("POST", all, async ({ body }) => {
      const id = await store.addProject(validate(isMetadata, await body()));
      return ok(await getProject(id ?? fail("project")));
    }),
    read(one, async ({ params, caller }) => {
      const project = await getProject(params.id ?? "");
      return project.visible || caller.admin ? ok(project) : fail("project");
    }),
    admin("PUT", one, async ({ params: { id = "" }, body }) => {
      const found = await store.changeProject(id, validate(isProjectChange, await body()));
      return found ? ok(await getProject(id)) : fail("project");
    }),
    admin("DELETE", one, async ({ params: { id = "" } }) => dropped(await store.removeProject(id), "project")),
    admin("PATCH", `${one}/contents`, async (context) => {
      await getProject(context.params.id ?? "");
      await media.addContents(context);
      return ok(await getProject(context.params.id ?? ""));
    }),
    admin("DELETE", `${one}/contents/:contentId`, async ({ params: { id = "", contentId = "" } }) =>
      dropped(await store.removeAsset(id, contentId), "content"),
    ),
    admin("PUT", `${one}/thumbnails/:contentId`, async ({ params: { id = "", contentId = "" } }) =>
      ok(await toContent(media, (await store.setThumbnail(id, contentId)) ?? fail("content"))),
    ),
  ];
}

function spotlightRoutes({ store, media }: Parts): readonly Route[] {
  const all = "/api/portfolio/v1/projects/spotlights";
  const getSpotlight = async (id: string, hiddenToo: boolean) =>
    toSpotlight(media, (await store.findSpotlight(id, hiddenToo)) ?? fail("spotlight"));
  return [
    read(all, async ({ caller }) => {
      const rows = await store.listSpotlights(caller.admin);
      return ok(await Promise.all(rows.map((row) => toSpotlight(media, row))));
    }),
    admin("POST", all, async ({ body }) => {
      const { projectId } = validate(isSpotlightChoice, await body());
      if ((await store.findProject(projectId)) === undefined) fail("project");
      const id = await store.addSpotlight(projectId);
      if (id === undefined) throw new HttpError(409, "the project is already in the spotlight");
      return ok(await getSpotlight(id, true));
    }),
    read(`${all}/:id`, async ({ params, caller }) => ok(await getSpotlight(params.id ?? "", caller.admin))),
    admin("DELETE", `${all}/:id`, async ({ params }) => gone(await store.removeSpotlight(params.id ?? ""), "spotlight")),
  ];
}

function profileRoutes({ store, media }: Parts): readonly Route[] {
  const me = "/api/about/v1/me";
  const dropped = makeDropped(media);
  return [
    read(me, async () => ok(await toProfile(media, (await store.getProfile()) ?? fail("profile")))),
    admin("PUT", `${me}/:id`, async ({ params, body }) => {
      const row = await store.changeProfile(params.id ?? "", validate(isProfileChange, await body()));
      return ok(await toProfile(media, row ?? fail("profile")));
    }),
    admin("DELETE", `${me}/:id`, async ({ params }) => dropped(await store.removePhoto(params.id ?? ""), "profile")),
    admin("POST", `${me}/:id/image`, async (context) => {
      if ((await store.getProfile())?.id !== context.params.id) fail("profile");
      await media.setProfileImage(context);
      media.tidy();
      return ok(await toProfile(media, (await store.getProfile()) ?? fail("profile")));
    }),
  ];
}

function contactRoutes({ store }: Parts): readonly Route[] {
  const information = "/api/contact/v1/information";
  return [
    read(information, async () => ok(toContact((await store.getContact()) ?? fail("contact")))),
    admin("PUT", `${information}/:id`, async ({ params, body }) => {
      const row = await store.changeContact(params.id ?? "", validate(isContactChange, await body()));
      return ok(toContact(row ?? fail("contact")));
    }),
  ];
}

function fail(what: string): never {
  throw notFound(what);
}

/** Existing front ends parse the answer of a removal, so it is an empty object and not nothing. */
function gone(found: boolean, what: string): Reply {
  return found ? ok({}) : fail(what);
}

/** As `gone`, where objects may have lost their name. */
function makeDropped({ tidy }: Media) {
  return (found: boolean, what: string): Reply => {
    if (found) tidy();
    return gone(found, what);
  };
}
