import { expect, test } from "vitest";
import { makeGatekeeper } from "./access.ts";

const admin = { "x-auth-roles": "portfolio-admin" };

test("without keys nobody is asked and nobody has a role", () => {
  const gatekeeper = makeGatekeeper(undefined);
  expect(gatekeeper("public", admin)).toEqual({ admin: false });
  expect(() => gatekeeper("admin", { ...admin, "x-api-key": "any" })).toThrow("portfolio-admin");
});

test("each of several keys is valid, and only those", () => {
  const gatekeeper = makeGatekeeper(["new", "old"]);
  for (const key of ["new", "old"]) expect(gatekeeper("public", { "x-api-key": key })).toEqual({ admin: false });
  for (const key of ["", "ol", "older", "new,old"]) expect(() => gatekeeper("public", { ...admin, "x-api-key": key })).toThrow("API key");
  expect(() => gatekeeper("public", {})).toThrow("API key");
});

test("a role counts only beside a valid key, and only when its whole name is there", () => {
  const gatekeeper = makeGatekeeper(["key"]);
  expect(gatekeeper("admin", { "x-api-key": "key", "x-auth-roles": "ops-viewer,portfolio-admin" })).toEqual({ admin: true });
  expect(() => gatekeeper("admin", { "x-api-key": "key", "x-auth-roles": "portfolio-administrator" })).toThrow("role");
  expect(() => gatekeeper("admin", { "x-api-key": "wrong", ...admin })).toThrow("API key");
});

test("open pages ask for nothing", () => {
  expect(makeGatekeeper(["key"])("open", {})).toEqual({ admin: false });
});
