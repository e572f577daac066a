/** What is desired for the object store, what apps bind to and what the gateway shows. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { objectsDomain } from "./resources.ts";
import { renderGuard, renderIdentity, renderMount, renderProbe, renderReady, renderUnit } from "./render.ts";
import { PROGRAMS, bucketsOf } from "./section.ts";
import { MODEL, SHOP, desireInput } from "./testing/model.fixture.ts";

const desired = (artifact: string) => objectsDomain.desire(desireInput({ artifacts: [artifact] }));
const { resources, parts } = desired("minio");
const find = (id: string) => resources.find((resource) => resource.id === id);
const input = { address: "10.91.0.13", memoryBytes: 1024 ** 3, device: "/dev/disk/by-id/virtio-cd-0123456789abcdef" };

describe("resources", () => {
  test("ids, and what comes first", () => {
    expect(Object.fromEntries(resources.filter(({ kind }) => kind !== "secret").map(({ id, needs }) => [id, needs]))).toEqual({
      "slot/data/objects-identity": ["machine/data", "secret/objects/admin"],
      "object-store/objects": ["generation/data"],
      "bucket/shop-media": ["object-store/objects", "secret/objects/admin"],
      "bucket-key/shop-media": ["object-store/objects", "secret/objects/shop/media", "secret/objects/admin"],
      "bucket/shop-inbox": ["object-store/objects", "secret/objects/admin"],
      "bucket-key/shop-inbox": ["object-store/objects", "secret/objects/shop/inbox", "secret/objects/admin"],
    });
  });

  test("buckets are data; all stays and goes with the disk", () => {
    expect(resources.filter(({ data }) => data === true).map(({ id }) => id)).toEqual(["bucket/shop-media", "bucket/shop-inbox"]);
    for (const { id, keptWith } of resources.filter(({ kind }) => kind !== "slot"))
      expect([id, keptWith]).toEqual([id, ["disk/data-objects"]]);
  });

  test("a key's policy names its bucket and no other", () => {
    const policy = JSON.parse(String(find("bucket-key/shop-media")?.spec["policy"])) as {
      Statement: readonly { Resource: readonly string[] }[];
    };
    expect(policy.Statement.flatMap(({ Resource }) => Resource).toSorted()).toEqual([
      "arn:aws:s3:::shop-media",
      "arn:aws:s3:::shop-media/*",
    ]);
    expect(JSON.stringify(policy)).not.toMatch(/s3:\*|CreateBucket|PutBucket|DeleteBucket|admin:/);
  });

  test("the plan warns of MinIO and says why it is used; of SeaweedFS there is nothing to say", () => {
    expect(find("object-store/objects")?.warnings).toEqual([
      "the object store is MinIO, whose authors archived the project in 2026: it gets no further fixes (seaweedfs cannot be had here: no digest is pinned and nothing was imported)",
    ]);
    expect(desired("seaweedfs").resources.find(({ kind }) => kind === "object-store")).not.toHaveProperty("warnings");
  });

  test("SeaweedFS has its keys in one slot, and no key without a bucket", () => {
    const seaweed = desired("seaweedfs").resources;
    expect(seaweed.some(({ kind }) => kind === "bucket-key")).toBe(false);
    const slot = seaweed.find(({ kind }) => kind === "slot");
    const { files } = (slot?.payload ?? {}) as { files: Readonly<Record<string, string>> };
    const { identities } = JSON.parse(files["identities.json"] ?? "") as {
      identities: readonly { name: string; actions: readonly string[] }[];
    };
    expect(identities.map(({ name }) => name)).toEqual(["croft", "shop-media", "shop-inbox"]);
    expect(identities[1]?.actions).toEqual(["Read:shop-media", "Write:shop-media", "List:shop-media", "Tagging:shop-media"]);
  });

  test("no secret in what is compared and remembered", () => {
    for (const { spec } of resources) expect(JSON.stringify(spec)).not.toMatch(/\{\{|PASSWORD/);
  });

  test("the image holds the chosen program alone", () => {
    expect(objectsDomain.roles(desireInput({ artifacts: ["minio"] }).model)).toEqual([{ machine: "data", role: "minio" }]);
    expect(objectsDomain.roles(desireInput({ artifacts: ["seaweedfs"] }).model)).toEqual([{ machine: "data", role: "seaweedfs" }]);
  });

  test("without the service there is nothing", () => {
    const { objects: _objects, ...services } = MODEL.services;
    const without = desireInput({ model: { ...MODEL, services } });
    expect([objectsDomain.publish(without), objectsDomain.roles(without.model), objectsDomain.desire(without).resources]).toEqual([
      [],
      [],
      [],
    ]);
  });
});

describe("endpoints", () => {
  const endpoints = objectsDomain.publish(desireInput());

  test("an app binds to its bucket by the public name", () => {
    expect(endpoints.find(({ name }) => name === "buckets.media")).toEqual({
      app: "shop",
      name: "buckets.media",
      machine: "edge",
      port: 443,
      protocol: "https",
      properties: {
        name: "shop-media",
        endpoint: "https://s3.shop.test",
        region: "us-east-1",
        accessKey: "shop-media",
        secretKey: "{{secret objects/shop/media used}}",
      },
      secrets: ["objects/shop/media"],
      needs: ["bucket/shop-media", "bucket-key/shop-media", "generation/edge"],
    });
  });

  test("the gateway shows signed reading; writing only where it is declared, or from the app's machine", () => {
    const places = endpoints.find(({ name }) => name === "objects")?.published?.places ?? [];
    expect(
      places.map(({ path, exact, methods, free, cors, bodyMaxBytes }) => ({ path, exact, methods, free, cors, bodyMaxBytes })),
    ).toEqual([
      { path: "/shop-media", exact: true, methods: ["OPTIONS"], free: ["app"], cors: undefined, bodyMaxBytes: 1024 ** 2 },
      {
        path: "/shop-media/",
        exact: false,
        methods: ["GET", "HEAD"],
        free: ["app"],
        cors: ["https://www.shop.test"],
        bodyMaxBytes: 1024 ** 2,
      },
      { path: "/shop-inbox", exact: true, methods: ["OPTIONS"], free: ["app"], cors: undefined, bodyMaxBytes: 2 * 1024 ** 2 },
      { path: "/shop-inbox/", exact: false, methods: ["GET", "HEAD", "PUT"], free: ["app"], cors: [], bodyMaxBytes: 2 * 1024 ** 2 },
    ]);
    for (const { demands } of places) expect(demands).toEqual(["X-Amz-Signature"]);
  });

  test("without a gateway an app reaches the store itself; without a machine nobody is free", () => {
    const services = { objects: MODEL.services["objects"] ?? { machine: "data" } };
    const [, own] = objectsDomain.publish(desireInput({ model: { ...MODEL, services } }));
    expect(own).toMatchObject({ machine: "data", port: 9000, properties: { endpoint: "http://objects.croft.internal:9000" } });
    const idle = objectsDomain.publish(desireInput({ model: { ...MODEL, apps: [{ ...SHOP, workloads: [] }] } }));
    expect(idle[0]?.published?.places.map(({ path, free }) => [path, free])).toEqual([
      ["/shop-media/", []],
      ["/shop-inbox/", []],
    ]);
  });
});

describe("files", () => {
  test.each(PROGRAMS)("of %s", async (program) => {
    const files = {
      "croft-objects.service": renderUnit({ ...input, program }),
      "objects-guard": renderGuard(program),
      "objects-probe": renderProbe({ ...input, program }),
      "var-lib-private-objects.mount": renderMount({ ...input, program }),
      ...(program === "seaweedfs" ? { "objects-ready": renderReady(input) } : {}),
      ...renderIdentity(program, bucketsOf(MODEL)),
    };
    for (const [name, text] of Object.entries(files)) await expect(text).toMatchFileSnapshot(`golden/${program}/${name}`);
    for (const [, script] of Object.entries(files).filter(([name]) => /^objects-[a-z]+$/.test(name)))
      expect(execFileSync("sh", ["-n"], { input: script, encoding: "utf8" })).toBe("");
  });

  test("the machine's part waits for its identity and its disk, and mounts before it starts", () => {
    expect(parts).toMatchObject([
      {
        machine: "data",
        name: "objects",
        needs: ["slot/data/objects-identity", "disk/data-objects"],
        units: [{ name: "var-lib-private-objects.mount" }, { name: "croft-objects.service" }],
      },
    ]);
  });
});
