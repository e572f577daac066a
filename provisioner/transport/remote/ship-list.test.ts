import { expect, test } from "vitest";
import { isPackageFile, isProgram, packageFolders, shippedFolder } from "./ship-list.ts";
import type { Manifest } from "./ship-list.ts";

test("sources go, tests, tools and hidden files stay", () => {
  const folders = ["bin", "provisioner", "nginx", "stacks/app", "images"];
  const files = ["package.json", "bin/croft", "bin/main.ts", "nginx/templates/site.ts", "stacks/app/tools.ts"];
  expect(folders.filter((path) => !isProgram(path, true))).toEqual([]);
  expect(files.filter((path) => !isProgram(path, false))).toEqual([]);
  const stayFolders = ["test", "bench", "examples", "docs", "node_modules", ".git", ".ci", "nginx/golden", "stacks/app/testing"];
  const stayFiles = ["package-lock.json", "vitest.config.ts", ".npmrc", "bin/x.test.ts", "nginx/gateway.fixture.ts", "nginx/README.md"];
  expect(stayFolders.filter((path) => isProgram(path, true))).toEqual([]);
  expect(stayFiles.filter((path) => isProgram(path, false))).toEqual([]);
});

test("of packages, what Node can load goes", () => {
  expect(["lib/index.js", "data.json", "x.mjs", "LICENSE", "d.ts.js"].filter((path) => !isPackageFile(path, false))).toEqual([]);
  expect(["lib/index.d.ts", "src/index.ts", "x.d.mts", "index.js.map", "README.md"].filter((path) => isPackageFile(path, false))).toEqual(
    [],
  );
  expect(["node_modules", "prebuilds", ".github"].filter((path) => isPackageFile(path, true))).toEqual([]);
});

const manifests: Readonly<Record<string, Manifest>> = {
  "/a/croft": { dependencies: { one: "1", two: "1" } },
  "/a/croft/node_modules/one": { dependencies: { shared: "1", "@scope/deep": "1" } },
  "/a/croft/node_modules/one/node_modules/shared": {},
  "/a/croft/node_modules/shared": {},
  "/a/croft/node_modules/@scope/deep": { dependencies: { one: "1" } },
  "/a/croft/node_modules/unused": {},
  "/a/node_modules/two": { dependencies: { shared: "1" } },
  "/a/node_modules/shared": {},
};

test("packages are found as Node finds them: nearest first, round trips once", () => {
  expect(packageFolders("/a/croft", (folder) => manifests[folder])).toEqual([
    "/a/croft/node_modules/@scope/deep",
    "/a/croft/node_modules/one",
    "/a/croft/node_modules/one/node_modules/shared",
    "/a/node_modules/shared",
    "/a/node_modules/two",
  ]);
  expect(() => packageFolders("/a", (folder) => (folder === "/a" ? { dependencies: { gone: "1" } } : undefined))).toThrow(
    "the package gone is not installed",
  );
});

test("a package above croft's folder goes below it", () => {
  expect(shippedFolder("/a/croft", "/a/croft/node_modules/one/node_modules/shared")).toBe("node_modules/one/node_modules/shared");
  expect(shippedFolder("/a/node_modules/croft", "/a/node_modules/two")).toBe("node_modules/two");
});
