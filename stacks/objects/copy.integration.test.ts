/** Copies between two real stores: everything arrives, what arrived is not sent again, what breaks off goes on. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyBucket } from "./copy.ts";
import type { Side } from "./copy.ts";
import { ADMIN_KEY, REGION } from "./names.ts";
import { getObject, headObject, listObjects, makeBucket, openS3, putObject, putParts, removeObject } from "./s3.ts";
import { ADMIN, ObjectServer, findProgram } from "./testing/server.fixture.ts";

const program = findProgram("minio");
const MIB = 1024 ** 2;
const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe.skipIf(program === undefined)(
  program === undefined ? "copies between two stores (skipped: minio is not in the cache)" : "copies between two stores",
  () => {
    let servers: readonly [ObjectServer, ObjectServer];
    let from: Side;
    let to: Side;
    const wanted = new Map<string, string>();

    const sideOf = (server: ObjectServer, bucket: string, prefix = ""): Side => ({
      s3: openS3({ endpoint: `http://127.0.0.1:${server.port}`, region: REGION, key: ADMIN_KEY, secret: ADMIN }),
      bucket,
      prefix,
    });
    const add = async (key: string, body: Buffer): Promise<void> => {
      await putObject(from.s3, { bucket: "source", key, body, type: "image/x-test", metadata: { owner: "me" } });
      wanted.set(key, digest(body));
    };
    const copy = async () => {
      const lines: string[] = [];
      const counts = await copyBucket({ from, to, onObject: (line) => lines.push(line) });
      return { counts, lines };
    };
    const arrived = async (): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      for await (const { key } of listObjects(to.s3, to.bucket)) found.set(key, digest((await getObject(to.s3, to.bucket, key)).body));
      return found;
    };

    beforeAll(async () => {
      servers = [await ObjectServer.make("minio", program ?? "", []), await ObjectServer.make("minio", program ?? "", [])];
      await Promise.all(servers.map((server) => server.start()));
      from = sideOf(servers[0], "source");
      to = sideOf(servers[1], "target");
      await makeBucket(from.s3, "source");
      await makeBucket(to.s3, "target");
      for (let index = 0; index < 60; index += 1) await add(`many/${index} ä?#%`, randomBytes(index * 301));
      const parts = [randomBytes(16 * MIB), randomBytes(3 * MIB)];
      await putParts(from.s3, { bucket: "source", key: "large", type: "video/x-test" }, parts);
      wanted.set("large", digest(Buffer.concat(parts)));
    });
    afterAll(() => Promise.all((servers ?? []).map((server) => server.destroy())));

    test("a target that dies in between loses nothing: the next copy sends the rest", async () => {
      let seen = 0;
      const first = await copyBucket({
        from,
        to,
        onObject: () => {
          seen += 1;
          if (seen === 20) void servers[1].stop("SIGKILL");
        },
      });
      expect(first.failed).toBeGreaterThan(0);
      await servers[1].start();
      const { counts } = await copy();
      expect(counts.failed).toBe(0);
      expect(counts.kept).toBeGreaterThanOrEqual(19);
      expect(counts.kept + counts.copied).toBe(61);
      expect(await arrived()).toEqual(wanted);
    });

    test("type and what people noted come along; a second copy sends nothing", async () => {
      const head = await headObject(to.s3, "target", "many/3 ä?#%");
      expect(head).toMatchObject({ type: "image/x-test", metadata: { owner: "me", "croft-sha256": wanted.get("many/3 ä?#%") } });
      expect((await headObject(to.s3, "target", "large"))?.type).toBe("video/x-test");
      expect((await copy()).counts).toEqual({ copied: 0, kept: 61, failed: 0, bytes: 0 });
    });

    test("what changed at the source, and what went at the target, is sent again", async () => {
      await add("many/5 ä?#%", Buffer.from("another text"));
      await removeObject(to.s3, "target", "many/7 ä?#%");
      expect((await copy()).counts).toMatchObject({ copied: 2, kept: 59 });
      expect(await arrived()).toEqual(wanted);
    });
  },
);
