/** Which program a store becomes. */
import { describe, expect, test } from "vitest";
import type { Recorded } from "../../provisioner/plan/resource.ts";
import { bucketName, storeId } from "./names.ts";
import { sectionOf, settleObjects } from "./section.ts";
import { MODEL, facts } from "./testing/model.fixture.ts";

const withPrograms = (...program: readonly string[]) => ({
  ...MODEL,
  services: { ...MODEL.services, objects: { machine: "data", disk: "objects", ...(program.length === 0 ? {} : { program }) } },
});
const settled = (artifacts: readonly string[], programs: readonly string[] = [], before?: string) => {
  const record = { id: storeId, kind: "object-store", spec: { program: before ?? "" } } as unknown as Recorded;
  const recorded = new Map(before === undefined ? [] : [[storeId, record] as const]);
  return sectionOf(settleObjects(withPrograms(...programs), facts(artifacts, recorded)));
};

describe("the program", () => {
  test("is the first of the list that can be had, with the reason", () => {
    expect(settled(["seaweedfs", "minio"])).toMatchObject({ program: "seaweedfs", reason: "seaweedfs is the first of the list" });
    expect(settled(["minio"])).toMatchObject({
      program: "minio",
      reason: "seaweedfs cannot be had here: no digest is pinned and nothing was imported",
    });
    expect(settled(["seaweedfs", "minio"], ["minio", "seaweedfs"])?.program).toBe("minio");
    expect(settled([], ["seaweedfs"])).toMatchObject({
      program: "seaweedfs",
      reason: expect.stringContaining("import seaweedfs") as unknown,
    });
  });

  test("stays where it holds data, even when a better one can be had", () => {
    expect(settled(["seaweedfs", "minio"], [], "minio")).toMatchObject({ program: "minio", reason: "minio holds the data" });
  });

  test("is never swapped under its data", () => {
    expect(() => settled(["seaweedfs", "minio"], ["seaweedfs"], "minio")).toThrow(
      "runs minio and holds its data, which seaweedfs cannot read",
    );
  });

  test("a site without a store has none", () => {
    const { objects: _objects, ...services } = MODEL.services;
    const without = { ...MODEL, services };
    expect(settleObjects(without, facts([]))).toBe(without);
    expect(sectionOf(without)).toBeUndefined();
  });
});

test("long names of buckets stay within 63 characters and apart", () => {
  const app = "a".repeat(40);
  const [one, two] = [bucketName(app, `${"b".repeat(30)}-1`), bucketName(app, `${"b".repeat(30)}-2`)];
  expect(one).toHaveLength(63);
  expect(one).not.toBe(two);
  expect(bucketName("shop", "media")).toBe("shop-media");
});
