/** Against the real programs: who gets in, what is made, what drift shows, what survives a kill. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { Observation, Resource } from "../../provisioner/plan/resource.ts";
import { makeObjectDrivers } from "./driver.ts";
import { assignPolicy, findUser, putPolicy, putUser, removeUser } from "./minio.ts";
import { PROGRAMS, bucketsOf } from "./section.ts";
import type { ProgramName } from "./section.ts";
import { openVerbs } from "./strangers.ts";
import { withS3 } from "./store.ts";
import type { S3 } from "./s3.ts";
import { MODEL, insideStore } from "./testing/model.fixture.ts";
import type { Extras } from "./testing/model.fixture.ts";
import { ObjectServer, findProgram, secretOf, skipReason } from "./testing/server.fixture.ts";

const title = (name: ProgramName): string => `a real ${name}${skipReason(name)}`;

const BROKEN: Readonly<Record<ProgramName, readonly string[]>> = {
  minio: ["", "MINIO_ROOT_USER=croft\n", "MINIO_ROOT_USER=croft\nMINIO_ROOT_PASSWORD=\n", "MINIO_ROOT_PASSWORD=short\n", "{}"],
  seaweedfs: ["", "{}", '{"identity":[]}', '{"identities":[]}', '{"identities":[{"name":"croft","credentials":[]}]}', "not json"],
};

/** Of those, with which a program might start all the same. */
const DOUBTFUL: Readonly<Record<ProgramName, readonly string[]>> = { minio: ["", "{}"], seaweedfs: ["{}", '{"identities":[]}'] };

const drivenBy = (server: ObjectServer, others: Readonly<Record<string, string>> = {}) => {
  const drivers = makeObjectDrivers({ connect: async () => server.shell, secret: async (name) => others[name] ?? secretOf(name) });
  const driverOf = (kind: string): Driver => {
    const found = drivers.find((driver) => driver.kind === kind);
    if (found === undefined) throw new Error(kind);
    return found;
  };
  const resources = (extras: Extras = {}) => insideStore(server.port, { artifacts: [server.name], ...extras });
  const observe = async (resource: Resource): Promise<Observation | undefined> => {
    const request: ObserveRequest = { id: resource.id, resource, recorded: undefined };
    return (await driverOf(resource.kind).observe([request])).get(resource.id);
  };
  const apply = (resource: Resource) =>
    driverOf(resource.kind).apply({ resource, recorded: undefined, observed: { status: "absent" } } as unknown as Parameters<
      Driver["apply"]
    >[0]);
  const remove = (resource: Resource) =>
    driverOf(resource.kind).remove({ recorded: resource } as unknown as Parameters<Driver["remove"]>[0]);
  /** Ids with the names of what is not as wanted. */
  const differences = async (extras: Extras = {}): Promise<Readonly<Record<string, readonly string[]>>> => {
    const found: Record<string, readonly string[]> = {};
    for (const resource of resources(extras)) {
      const seen = await observe(resource);
      const facts = seen?.status === "present" ? seen.facts : {};
      const wrong = Object.keys(resource.spec).filter((key) => JSON.stringify(facts[key]) !== JSON.stringify(resource.spec[key]));
      if (wrong.length > 0) found[resource.id] = seen?.status === "present" ? wrong : [seen?.status ?? "unseen"];
    }
    return found;
  };
  const applyAll = async (extras: Extras = {}): Promise<void> => {
    for (const resource of resources(extras)) await apply(resource);
  };
  return { resources, apply, remove, differences, applyAll };
};

const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe.each(PROGRAMS.map((name) => ({ name, title: title(name), program: findProgram(name) })))("$title", ({ name, program }) => {
  let server: ObjectServer;
  let rig: ReturnType<typeof drivenBy>;
  const buckets = bucketsOf(MODEL);
  const skipped = program === undefined;

  beforeAll(async () => {
    if (program === undefined) return;
    server = await ObjectServer.make(name, program, buckets);
    await server.start();
    rig = drivenBy(server);
  });
  afterAll(() => server?.destroy());

  /** As the app does, with the key of one bucket. */
  const asApp = <T>(bucket: string, work: (s3: S3, sdk: typeof import("./s3.ts")) => Promise<T>): Promise<T> => {
    const found = buckets.find((one) => one.name === bucket);
    return withS3({ ...server.store, secret: secretOf(found?.secret ?? "") }, work, found?.full);
  };
  const statusOfError = async (work: Promise<unknown>): Promise<number> => {
    const { statusOf } = await import("./s3.ts");
    const error = (await work.then(
      () => new Error("it was allowed"),
      (caught: unknown) => caught,
    )) as Error;
    return statusOf(error.cause);
  };

  test.skipIf(skipped)("what is missing is absent, is made, and is then as wanted", async () => {
    const before = await rig.differences();
    expect(before["bucket/shop-media"]).toEqual(["absent"]);
    await rig.applyAll();
    expect(await rig.differences()).toEqual({});
    await rig.applyAll();
    expect(await rig.differences()).toEqual({});
  });

  test.skipIf(skipped)("a key opens its own bucket", async () => {
    const body = randomBytes(70_000);
    const got = await asApp("media", async (s3, { putObject, getObject }) => {
      await putObject(s3, { bucket: "shop-media", key: "portfolio/50% of #1? ä.bin", body, type: "image/x-test" });
      return getObject(s3, "shop-media", "portfolio/50% of #1? ä.bin");
    });
    expect(digest(got.body)).toBe(digest(body));
    expect(got.type).toBe("image/x-test");
  });

  test.skipIf(skipped)("and no other one, by no verb", async () => {
    await asApp("inbox", (s3, { putObject }) => putObject(s3, { bucket: "shop-inbox", key: "there", body: Buffer.from("x") }));
    const tries = await Promise.all([
      statusOfError(asApp("media", (s3, sdk) => sdk.putObject(s3, { bucket: "shop-inbox", key: "a", body: Buffer.from("x") }))),
      statusOfError(asApp("media", (s3, sdk) => sdk.getObject(s3, "shop-inbox", "there"))),
      statusOfError(asApp("media", (s3, sdk) => sdk.headObject(s3, "shop-inbox", "there"))),
      statusOfError(asApp("media", (s3, sdk) => sdk.removeObject(s3, "shop-inbox", "there"))),
      statusOfError(asApp("media", (s3, sdk) => sdk.listObjects(s3, "shop-inbox").next())),
      statusOfError(asApp("media", (s3, sdk) => sdk.makeBucket(s3, "shop-other"))),
      statusOfError(asApp("media", (s3, sdk) => sdk.removeBucket(s3, "shop-inbox"))),
    ]);
    expect(tries).toEqual([403, 403, 403, 403, 403, 403, 403]);
  });

  test.skipIf(skipped)("objects in parts come back whole", async () => {
    const parts = [randomBytes(5 * 1024 ** 2), randomBytes(1234)];
    const got = await asApp("media", async (s3, { putParts, getObject }) => {
      await putParts(s3, { bucket: "shop-media", key: "parts" }, parts);
      return getObject(s3, "shop-media", "parts");
    });
    expect(digest(got.body)).toBe(digest(Buffer.concat(parts)));
  });

  test.skipIf(skipped)("the machine's own probe passes, and says what is wrong where strangers get in", async () => {
    expect(await server.probe()).toMatchObject({ stderr: "", ok: true });
    expect(await openVerbs(server.store)).toEqual([]);
  });

  test.skipIf(skipped)("a bucket that somebody opened to the world is seen and closed", async () => {
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: ["*"] }, Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::shop-media/*"] }],
    };
    const sdk = await import("@aws-sdk/client-s3");
    await withS3(server.store, (s3) => s3.send(new sdk.PutBucketPolicyCommand({ Bucket: "shop-media", Policy: JSON.stringify(policy) })));
    expect((await rig.differences())["bucket/shop-media"]).toEqual(["policy"]);
    await rig.applyAll();
    expect(await rig.differences()).toEqual({});
  });

  test.skipIf(skipped)("a broken, empty, missing or unreadable identity file gets no server", async () => {
    await server.stop();
    for (const text of BROKEN[name]) {
      server.writeIdentity(text);
      await expect(server.start()).rejects.toThrow("not started");
    }
    rmSync(server.identity);
    await expect(server.start()).rejects.toThrow("not started");
    // Root can read every file, but no folder.
    mkdirSync(server.identity);
    await expect(server.start()).rejects.toThrow("not started");
    rmSync(server.identity, { recursive: true });
    server.writeIdentity();
    await server.start();
    expect(await openVerbs(server.store)).toEqual([]);
  });

  test.skipIf(skipped).each(DOUBTFUL[name])("past its guard, with %j, it is shut or its probe says who gets in", async (text) => {
    await server.stop();
    server.writeIdentity(text);
    const started = await server.startAnyway().then(
      () => true,
      () => false,
    );
    const open = started ? await openVerbs(server.store) : [];
    const said = started ? (await server.probe()).stderr : "";
    await server.stop("SIGKILL");
    server.writeIdentity();
    await server.start();
    expect(said).toMatch(open.length > 0 ? /without a key was answered with/ : /^$|no key stands in|as minioadmin/);
    expect(await openVerbs(server.store)).toEqual([]);
  });

  test.skipIf(skipped)("six verbs stay shut after restarts", async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await server.stop(signal);
      await server.start();
      expect(await openVerbs(server.store)).toEqual([]);
      expect(await server.probe()).toMatchObject({ stderr: "", ok: true });
    }
    expect(await rig.differences()).toEqual({});
  });

  test.skipIf(skipped)("a bucket that is no longer wanted goes with what is in it, twice as well", async () => {
    const inbox = rig
      .resources()
      .filter(({ id }) => id.endsWith("shop-inbox"))
      .toReversed();
    for (const resource of [...inbox, ...inbox]) await rig.remove(resource);
    expect(Object.keys(await rig.differences()).toSorted()).toEqual(inbox.map(({ id }) => id).toSorted());
    await rig.applyAll();
    expect(await rig.differences()).toEqual({});
  });

  test.skipIf(skipped || name !== "minio")("MinIO alone: what somebody changed about a key is seen and put back", async () => {
    const { store } = server;
    const key = "bucket-key/shop-media";
    await putUser(store, "shop-media", "somebody-elses-secret");
    expect((await rig.differences())[key]).toEqual(["secret"]);
    await rig.applyAll();
    await putPolicy(store, "shop-media", {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: ["s3:*"], Resource: ["arn:aws:s3:::*"] }],
    });
    expect((await rig.differences())[key]).toEqual(["policy"]);
    await assignPolicy(store, "shop-media", "readwrite");
    expect((await rig.differences())[key]).toEqual(["policies", "policy"]);
    await rig.applyAll();
    expect(await rig.differences()).toEqual({});
    await removeUser(store, "shop-media");
    expect((await rig.differences())[key]).toEqual(["absent"]);
    await rig.applyAll();
    expect(await findUser(store, "shop-media")).toEqual({ enabled: true, policies: ["shop-media"], groups: [] });
    expect(await rig.differences()).toEqual({});
  });

  test.skipIf(skipped || name !== "minio")(
    "MinIO alone: a key is rotated by a second one, and both are good until the first goes",
    async () => {
      const [media] = buckets;
      if (media === undefined) throw new Error("no bucket");
      const old = secretOf(media.secret);
      const fresh = `fresh${"x".repeat(27)}`;
      const values = { [media.secret]: fresh, [`${media.secret} previous`]: old };
      const turning = drivenBy(server, values);
      const works = (key: string, secret: string): Promise<boolean> =>
        withS3({ ...server.store, secret }, (s3, { hasBucket }) => hasBucket(s3, media.full), key).catch(() => false);
      const during: Extras = { rotations: { [media.secret]: 1 }, rotating: { [media.secret]: "added" } };
      expect(Object.keys(await turning.differences(during))).toEqual([`bucket-key/${media.full}_b`]);
      await turning.applyAll(during);
      expect(await turning.differences(during)).toEqual({});
      expect([await works(media.full, old), await works(`${media.full}_b`, fresh)]).toEqual([true, true]);
      const after: Extras = { rotations: { [media.secret]: 1 } };
      const first = rig.resources().find(({ id }) => id === `bucket-key/${media.full}`);
      if (first === undefined) throw new Error("no key");
      await turning.remove(first);
      expect(await turning.differences(after)).toEqual({});
      expect([await works(media.full, old), await works(`${media.full}_b`, fresh)]).toEqual([false, true]);
      const back: Extras = { rotations: { [media.secret]: 2 } };
      await rig.applyAll(back);
      for (const gone of turning.resources(after).filter(({ id }) => id.endsWith("_b"))) await turning.remove(gone);
      expect(await rig.differences()).toEqual({});
      expect([await works(media.full, old), await works(`${media.full}_b`, fresh)]).toEqual([true, false]);
    },
  );
});
