import { expect, test, vi } from "vitest";
import { CATALOGUE } from "../provisioner/artifacts/catalogue.ts";
import { makeRecipe, recipeId } from "./recipe.ts";
import type { RecipeInput } from "./recipe.ts";

vi.mock(import("./roles.ts"), async (original) => ({
  ...(await original()),
  ROLES: {
    login: { name: "login", packages: [], artifacts: { keycloak: "/opt/keycloak" }, after: "/opt/keycloak/make" },
    script: { name: "script", packages: [], artifacts: { node: "/usr/local/bin/node" } },
  },
}));

const input = (role: string, digest = "sha256-a"): RecipeInput => ({
  roles: [role],
  architecture: "amd64",
  kernel: false,
  update: 0,
  digestOf: () => digest,
});

test("an archive of the catalogue is unpacked as it says, a program is not", () => {
  expect(makeRecipe(input("login")).artifacts).toEqual([
    { name: "keycloak", target: "/opt/keycloak", digest: "sha256-a", unpack: CATALOGUE["keycloak"]?.unpack },
  ]);
  expect(makeRecipe(input("script")).artifacts).toEqual([{ name: "node", target: "/usr/local/bin/node", digest: "sha256-a" }]);
});

test("other bytes of an artifact are another image", () => {
  expect(recipeId(makeRecipe(input("script", "sha256-b")))).not.toBe(recipeId(makeRecipe(input("script"))));
});

test("what a role runs inside its image is part of the recipe; others have no such line, and keep their names", () => {
  expect(makeRecipe(input("login")).after).toBe("/opt/keycloak/make");
  expect(makeRecipe(input("script"))).not.toHaveProperty("after");
});
