/** Many small objects written while the store dies under them, and what of them is there afterwards. */
import { createHash } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { REGION } from "../names.ts";
import { getObject, openS3, putObject } from "../s3.ts";
import type { S3 } from "../s3.ts";
import type { AppBucket } from "../section.ts";
import { secretOf } from "./server.fixture.ts";
import type { ObjectServer } from "./server.fixture.ts";

export const LANES = 32;

export type Load = {
  /** Keys whose writing the store acknowledged, with the digest of what was written. */
  readonly written: Map<string, string>;
  /** Writings without an answer, or with a bad one; each was tried again. */
  refused: number;
};

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** Between 100 bytes and 8 KiB, other ones for each key. */
export const bodyOf = (key: string): Buffer => {
  const seed = createHash("sha512").update(key).digest();
  return Buffer.alloc(100 + (seed.readUInt16LE() % 8093), seed);
};

/** As the app's client: its own key, connections that are kept. */
export const openLoad = (server: ObjectServer, { full, secret }: AppBucket): S3 =>
  openS3({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: REGION,
    key: full,
    secret: secretOf(secret),
    httpAgent: new Agent({ keepAlive: true, maxSockets: LANES }),
  });

export const inLanes = async (work: () => Promise<boolean>): Promise<void> => {
  const lane = async (): Promise<void> => {
    while (await work());
  };
  await Promise.all(Array.from({ length: LANES }, lane));
};

/** Writes until every key is acknowledged or the load is stopped; whatever fails is tried again. */
export const writeAll = async (s3: S3, bucket: string, keys: Iterable<string>, load: Load, stopped: () => boolean): Promise<void> => {
  const next = keys[Symbol.iterator]();
  await inLanes(async () => {
    const { done, value: key } = next.next();
    if (done === true) return false;
    const body = bodyOf(key);
    while (!stopped()) {
      try {
        await putObject(s3, { bucket, key, body });
        load.written.set(key, sha256(body));
        return true;
      } catch {
        load.refused += 1;
        await wait(100);
      }
    }
    return false;
  });
};

/** Acknowledged keys that are gone or hold other bytes. */
export const findLost = async (s3: S3, bucket: string, { written }: Pick<Load, "written">): Promise<readonly string[]> => {
  const lost: string[] = [];
  const next = written[Symbol.iterator]();
  await inLanes(async () => {
    const { done, value } = next.next();
    if (done === true) return false;
    const [key, wanted] = value;
    const found = await getObject(s3, bucket, key).then(
      ({ body }) => sha256(body),
      (error: Error) => error.name,
    );
    if (found !== wanted) lost.push(`${key}: ${found}`);
    return true;
  });
  return lost;
};
