/** The API in the words of OpenAPI 3.1, made from the route table, so that no route is forgotten. Pure. */
import { ADMIN_ROLE } from "./access.ts";
import type { Route } from "./router.ts";
import { contactChange, document, metadata, profileChange, projectChange, spotlightChoice } from "./schemas.ts";

type Schema = Readonly<Record<string, unknown>>;
type About = { readonly summary: string; readonly answer: Schema; readonly body?: Schema; readonly query?: readonly Schema[] };

const text = { type: "string" };
const id = { type: "string", format: "uuid" };
const time = { type: "string", format: "date-time" };
const flag = { type: "boolean" };
const count = { type: "integer", minimum: 0 };
const nothing = object({});
const to = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const list = (items: Schema): Schema => ({ type: "array", items });
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });

function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, required: Object.keys(properties) };
}

const SCHEMAS: Readonly<Record<string, Schema>> = {
  Metadata: object({ title: text, subTitle: text, client: text }),
  Document: { ...document, description: "A Quill Delta." },
  Content: object({ id, mimeType: text, url: { ...text, description: "Works for 8640 seconds; a path of the site for sample content." } }),
  Project: object({
    id,
    metadata: to("Metadata"),
    description: orNull(to("Document")),
    visible: flag,
    adult: flag,
    createdOn: time,
    updatedOn: time,
    contents: list(to("Content")),
    thumbnail: orNull(to("Content")),
  }),
  ProjectPage: object({ page: count, size: count, totalPages: count, projects: list(to("Project")) }),
  Spotlight: object({
    id,
    projectId: id,
    adult: flag,
    metadata: to("Metadata"),
    createdOn: time,
    thumbnail: orNull(to("Content")),
  }),
  Profile: object({ id, firstName: text, lastName: text, description: orNull(to("Document")), photoUrl: orNull(text) }),
  Contact: object({ id, description: orNull(to("Document")) }),
  Error: object({ errors: object({ message: list(text) }) }),
};

const json = (schema: Schema): Schema => ({ "application/json": { schema } });
const form = (field: string, schema: Schema): Schema => ({ "multipart/form-data": { schema: object({ [field]: schema }) } });
const file = { type: "string", contentMediaType: "image/*", maxLength: 50 * 1024 * 1024 };
const parameter = (name: string, schema: Schema, required = false): Schema => ({ name, in: "query", required, schema });
const pageQuery = [
  parameter("page", { type: "integer", minimum: 1, default: 1 }),
  parameter("size", { type: "integer", minimum: 1, maximum: 100, default: 20 }),
  parameter("visible", { ...flag, description: `false needs the role ${ADMIN_ROLE}` }, true),
  parameter("adult", flag),
];

const PROJECTS = "/api/portfolio/v1/projects";
const SPOTLIGHTS = `${PROJECTS}/spotlights`;
const ME = "/api/about/v1/me";
const CONTACT = "/api/contact/v1/information";

const ABOUT: Readonly<Record<string, About>> = {
  "GET /ping": { summary: "The process answers", answer: object({ message: text }) },
  "GET /livez": { summary: "The process lives", answer: object({ status: text }) },
  "GET /readyz": { summary: "Database, schema and storage are there", answer: object({ status: text }) },
  "GET /version": { summary: "Release and schema", answer: object({ version: text, schema: text }) },
  "GET /api/portfolio/v2/projects": { summary: "A page of projects with files, newest first", answer: to("ProjectPage"), query: pageQuery },
  [`GET ${PROJECTS}`]: { summary: "All projects, hidden ones too", answer: list(to("Project")) },
  [`POST ${PROJECTS}`]: { summary: "Create a project, hidden at first", answer: to("Project"), body: json(metadata) },
  [`GET ${PROJECTS}/:id`]: { summary: "One project", answer: to("Project") },
  [`PUT ${PROJECTS}/:id`]: { summary: "Change a project", answer: to("Project"), body: json(projectChange) },
  [`DELETE ${PROJECTS}/:id`]: { summary: "Remove a project with its files", answer: nothing },
  [`PATCH ${PROJECTS}/:id/contents`]: { summary: "Add pictures", answer: to("Project"), body: form("photo", list(file)) },
  [`DELETE ${PROJECTS}/:id/contents/:contentId`]: { summary: "Remove a picture", answer: nothing },
  [`PUT ${PROJECTS}/:id/thumbnails/:contentId`]: { summary: "Choose the thumbnail", answer: to("Content") },
  [`GET ${SPOTLIGHTS}`]: { summary: "Featured projects", answer: list(to("Spotlight")) },
  [`POST ${SPOTLIGHTS}`]: { summary: "Feature a project", answer: to("Spotlight"), body: json(spotlightChoice) },
  [`GET ${SPOTLIGHTS}/:id`]: { summary: "One featured project", answer: to("Spotlight") },
  [`DELETE ${SPOTLIGHTS}/:id`]: { summary: "Feature it no more", answer: nothing },
  [`GET ${ME}`]: { summary: "Who the portfolio is about", answer: to("Profile") },
  [`PUT ${ME}/:id`]: { summary: "Change name and text", answer: to("Profile"), body: json(profileChange) },
  [`DELETE ${ME}/:id`]: { summary: "Remove the portrait", answer: nothing },
  [`POST ${ME}/:id/image`]: { summary: "Set the portrait", answer: to("Profile"), body: form("file", file) },
  [`GET ${CONTACT}`]: { summary: "How to get in touch", answer: to("Contact") },
  [`PUT ${CONTACT}/:id`]: { summary: "Change how to get in touch", answer: to("Contact"), body: json(contactChange) },
};

export function describeApi(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.pattern.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Portfolio", version },
    paths,
    components: { schemas: SCHEMAS, securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Api-Key" } } },
  };
}

/** Throws for a route nobody described: a mistake of the source, seen at every start. */
function describe({ method, pattern, access }: Route) {
  const about = ABOUT[`${method} ${pattern}`];
  if (about === undefined) throw new Error(`${method} ${pattern} is not described`);
  const inPath = [...pattern.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: id }));
  return {
    summary: about.summary,
    ...(access === "admin" && { description: `Needs the role ${ADMIN_ROLE}, which the gateway tells.` }),
    parameters: [...inPath, ...(about.query ?? [])],
    ...(about.body && { requestBody: { required: true, content: about.body } }),
    responses: {
      200: { description: "Done", content: json(about.answer) },
      default: { description: "What went wrong", content: json(to("Error")) },
    },
    security: access === "open" ? [] : [{ key: [] }],
  };
}
