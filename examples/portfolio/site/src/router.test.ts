import { expect, test } from "vitest";
import { isOwnLink, parsePath } from "./router.ts";

const ID = "5eed0000-0000-4000-8000-000000000101";

test.each([
  ["/", "home"],
  ["/works", "works"],
  ["/works/", "works"],
  [`/works/${ID}`, "work"],
  [`/works/${ID}/`, "work"],
  ["/about", "about"],
  ["/contact", "contact"],
  ["/works/12", "missing"],
  ["/constructor", "missing"],
  ["/toString", "missing"],
  ["/index.php", "missing"],
])("%s is %s", (path, name) => {
  expect(parsePath(path).name).toBe(name);
});

test("the id of a work comes out in lower case", () => {
  expect(parsePath(`/works/${ID.toUpperCase()}`)).toEqual({ name: "work", id: ID });
});

test("the site follows plain clicks on its own pages only", () => {
  const click = { button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false, defaultPrevented: false };
  const anchor = { href: "", target: "", origin: "https://a.test", pathname: "/works", hash: "" };
  const here = { origin: "https://a.test" };
  expect(isOwnLink(click, anchor, here)).toBe(true);
  for (const other of [{ button: 1 }, { metaKey: true }, { ctrlKey: true }, { shiftKey: true }, { defaultPrevented: true }])
    expect(isOwnLink({ ...click, ...other }, anchor, here)).toBe(false);
  for (const other of [{ origin: "https://b.test" }, { target: "_blank" }, { hash: "#main" }, { pathname: "/seed/a.svg" }])
    expect(isOwnLink(click, { ...anchor, ...other }, here)).toBe(false);
});
