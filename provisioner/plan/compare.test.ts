import { expect, test } from "vitest";
import { compareSpecs, topProperty } from "./compare.ts";
import type { JsonObject } from "./resource.ts";

test.each<[string, JsonObject, JsonObject, unknown]>([
  ["equal", { a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 2] } }, []],
  ["only the keys that are wanted", { a: 1, extra: true }, { a: 1 }, []],
  ["a value", { a: 1 }, { a: 2 }, [{ path: "a", from: 1, to: 2 }]],
  ["a new property", {}, { a: null }, [{ path: "a", to: null }]],
  ["items of lists of one length", { ports: [80, 443] }, { ports: [81, 443] }, [{ path: "ports[0]", from: 80, to: 81 }]],
  ["lists of other lengths as a whole", { ports: [80] }, { ports: [80, 443] }, [{ path: "ports", from: [80], to: [80, 443] }]],
  [
    "objects in lists",
    { disks: [{ name: "a", size: 1 }] },
    { disks: [{ name: "a", size: 2 }] },
    [{ path: "disks[0].size", from: 1, to: 2 }],
  ],
  ["a path as a key", { files: { "/etc/x": "1" } }, { files: { "/etc/x": "2" } }, [{ path: "files./etc/x", from: "1", to: "2" }]],
  [
    "a key that goes, a key that comes",
    { env: { A: "1" } },
    { env: { B: "2" } },
    [
      { path: "env.A", from: "1" },
      { path: "env.B", to: "2" },
    ],
  ],
  ["other types", { a: [1] }, { a: { b: 1 } }, [{ path: "a", from: [1], to: { b: 1 } }]],
  ["null is a value", { a: null }, { a: {} }, [{ path: "a", from: null, to: {} }]],
  [
    "names of Object's own",
    {},
    { constructor: "x", toString: "y" },
    [
      { path: "constructor", to: "x" },
      { path: "toString", to: "y" },
    ],
  ],
  ["nested names of Object's own", { files: {} }, { files: { valueOf: "x" } }, [{ path: "files.valueOf", to: "x" }]],
])("compareSpecs: %s", (_, found, wanted, changes) => {
  expect(compareSpecs(found, wanted)).toEqual(changes);
});

test.each([
  ["ports[0]", "ports"],
  ["files./etc/x.conf", "files"],
  ["size", "size"],
])("topProperty of %s", (path, property) => {
  expect(topProperty(path)).toBe(property);
});
