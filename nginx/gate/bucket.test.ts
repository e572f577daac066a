/** What of a bucket a path means, and what passes between client and store. */
import { describe, expect, test } from "vitest";
import { isPage, keyOf } from "./keys.ts";
import { asErrorPage, conditionsOf, passedOn, verdictOn } from "./passing.ts";
import { ERRORS, errorText } from "./words.ts";

const PUBLIC = { prefix: "public/", index: "index.html" };
const WHOLE = { prefix: "", index: "index.html" };

describe("a key", () => {
  test.each([
    ["/", "public/index.html"],
    ["/a.txt", "public/a.txt"],
    ["/a/b/", "public/a/b/index.html"],
    ["/a%20b", "public/a b"],
    ["/50%25", "public/50%"],
    ["/%252e%252e/a", "public/%2e%2e/a"],
    ["/a+b", "public/a+b"],
    ["/%C3%A4", "public/ä"],
    ["/.well-known/x", "public/.well-known/x"],
    ["/...", "public/..."],
    ["/a..b/..c", "public/a..b/..c"],
  ])("of %s is %s", (path, key) => expect(keyOf(PUBLIC, path)).toBe(key));

  test.each([
    "",
    "a",
    "//",
    "//a",
    "/a//b",
    "/.",
    "/..",
    "/../a",
    "/a/..",
    "/a/../b",
    "/%2e%2e/a",
    "/.%2E/a",
    "/a%2f..%2fb",
    "/a%2f%2fb",
    "/a%5cb",
    "/a\\b",
    "/%00",
    "/a%0d%0ab",
    "/a%1fb",
    "/a%7f",
    "/%",
    "/%zz",
    "/%c0%ae%c0%ae/a",
    `/${"a".repeat(1025)}`,
    `/${"%C3%A4".repeat(510)}`,
  ])("%j has none", (path) => expect(keyOf(PUBLIC, path)).toBeUndefined());

  test("never names a bucket or a folder, and stays below the prefix", () => {
    for (const path of ["/", "/a/", "/%2f", "/a%2f"]) {
      const key = keyOf(WHOLE, path);
      expect([path, key === undefined || /[^/]$/.test(key)]).toEqual([path, true]);
    }
  });

  test("a page has no extension", () => {
    expect(["/", "/a", "/a.b/", "/a.b/c"].map(isPage)).toEqual([true, true, true, true]);
    expect(["/a.js", "/a/.x", "/a.b.c"].map(isPage)).toEqual([false, false, false]);
  });
});

describe("conditions", () => {
  test.each([
    [{}, { first: {} }],
    [{ cookie: "a=b", authorization: "Bearer x", "x-amz-acl": "public-read" }, { first: {} }],
    [{ "if-none-match": 'W/"a"', "if-modified-since": "then" }, { first: { "if-none-match": '"a"' } }],
    [{ "if-modified-since": "then" }, { first: { "if-modified-since": "then" } }],
    [{ "if-match": '"a"', "if-unmodified-since": "then" }, { first: { "if-match": '"a"' } }],
    [{ range: "bytes=0-" }, { first: { range: "bytes=0-" } }],
    [{ range: "bytes=0-1,3-4" }, { first: {} }],
    [{ range: "lines=1-2" }, { first: {} }],
    [
      { range: "bytes=0-1", "if-range": '"a"' },
      { first: { range: "bytes=0-1", "if-match": '"a"' }, unless: {} },
    ],
    [
      { range: "bytes=0-1", "if-range": "then" },
      { first: { range: "bytes=0-1", "if-unmodified-since": "then" }, unless: {} },
    ],
    [{ range: "bytes=0-1", "if-range": 'W/"a"' }, { first: {} }],
    [{ "if-range": '"a"' }, { first: {} }],
  ])("of %j", (headers, expected) => expect(conditionsOf(headers)).toEqual(expected));
});

describe("answers", () => {
  const stored = {
    etag: '"a"',
    "content-type": "text/html",
    "content-length": "5",
    "cache-control": "max-age=9",
    server: "MinIO",
    "x-amz-request-id": "x",
    "x-amz-meta-who": "me",
    "set-cookie": ["a=b"],
    "x-accel-redirect": "/secret",
    "access-control-allow-origin": "*",
  };

  test("only what belongs to the object is passed on", () => {
    expect(passedOn(stored)).toEqual({
      etag: '"a"',
      "content-type": "text/html",
      "content-length": "5",
      "cache-control": "max-age=9",
    });
    expect(asErrorPage(stored)).toEqual({ "content-type": "text/html", "content-length": "5", "cache-control": "no-store" });
  });

  test("what a status means", () => {
    const all = [200, 206, 304, 400, 403, 404, 405, 412, 416, 408, 429, 301, 500, 503];
    expect(all.map(verdictOn).join(" ")).toBe(
      "shown shown shown missing missing missing missing condition condition failed failed failed failed failed",
    );
  });

  test("errors are in the words of nginx", () => {
    expect(errorText(404)).toBe('{"errors":{"message":["not found"]}}\n');
    for (const status of Object.keys(ERRORS).map(Number))
      expect(JSON.parse(errorText(status))).toEqual({ errors: { message: [ERRORS[status]] } });
  });
});
