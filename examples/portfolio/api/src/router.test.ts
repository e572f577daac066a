import { expect, test } from "vitest";
import { ok } from "./reply.ts";
import { findRoute, matchPath, type Route } from "./router.ts";

const ID = "5eed0000-0000-4000-8000-00000000000A";
const route = (method: string, pattern: string): Route => ({ method, pattern, access: "open", handle: async () => ok({}) });
const routes = [route("GET", "/things/special"), route("GET", "/things/:id"), route("PUT", "/things/:id")];

test("a parameter is a UUID and comes out in lower case", () => {
  expect(matchPath("/things/:id", `/things/${ID}`)).toEqual({ id: ID.toLowerCase() });
  for (const path of ["/things/12", "/things/", "/things", `/things/${ID}/`, `/things/${ID}x`])
    expect(matchPath("/things/:id", path)).toBeUndefined();
});

test("the first fitting route answers, HEAD as GET", () => {
  expect(findRoute(routes, "GET", "/things/special").route).toBe(routes[0]);
  expect(findRoute(routes, "HEAD", `/things/${ID}`).route).toBe(routes[1]);
});

test("unknown paths and methods are told apart", () => {
  expect(() => findRoute(routes, "GET", "/nothing")).toThrow(expect.objectContaining({ status: 404 }));
  expect(() => findRoute(routes, "DELETE", `/things/${ID}`)).toThrow(
    expect.objectContaining({ status: 405, headers: { Allow: "GET, HEAD, PUT" } }),
  );
});
