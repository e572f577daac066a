import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { describeApi } from "./openapi.ts";
import type { Route } from "./router.ts";

const route = (method: string, pattern: string, access: Route["access"]): Route => ({
  method,
  pattern,
  access,
  handle: async () => ({ status: 200, body: {} }),
});

test("paths, parameters, bodies and keys come from the route", () => {
  const routes = [route("PATCH", "/api/portfolio/v1/projects/:id/contents", "admin"), route("GET", "/ping", "open")];
  const { paths } = describeApi(routes, "2.0.0");
  expect(paths["/api/portfolio/v1/projects/{id}/contents"]?.patch).toMatchObject({
    parameters: [{ name: "id", in: "path", required: true }],
    requestBody: { content: { "multipart/form-data": { schema: { required: ["photo"] } } } },
    security: [{ key: [] }],
  });
  expect(paths["/ping"]?.get).toMatchObject({ security: [] });
});

test("a route nobody described is a mistake", () => {
  expect(() => describeApi([route("GET", "/new", "open")], "1")).toThrow("/new");
});

test("its schemas are schemas", () => {
  const { components } = describeApi([], "1");
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "api", components });
  for (const name of Object.keys(components.schemas)) expect(ajv.getSchema(`api#/components/schemas/${name}`), name).toBeTypeOf("function");
});
