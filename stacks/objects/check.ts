/** What every store behind the gateway must do, tried out: one line for each promise, with the bytes it was kept by. */
import { createHash, randomBytes } from "node:crypto";
import { askThrough } from "./doors.ts";
import type { Answer, Door } from "./doors.ts";
import { PROBE_BUCKET, REGION } from "./names.ts";
import { openS3, presign, putObject, putParts, getObject, headObject, hasBucket, listObjects, removeObject, statusOf } from "./s3.ts";
import type { S3 } from "./s3.ts";
import type { AppBucket } from "./section.ts";
import { openVerbs } from "./strangers.ts";
import { withS3 } from "./store.ts";
import type { Store } from "./stream.ts";

export type CheckInput = {
  readonly bucket: AppBucket;
  /** The key that the app uses at the moment. */
  readonly key: string;
  readonly secret: string;
  /** As anybody comes. */
  readonly outside: Door;
  /** As the app comes, from its machine. */
  readonly inside: Door;
  /** The store itself, past the gateway. */
  readonly store: Store;
};

export type CheckResult = { readonly bucket: string; readonly name: string; readonly ok: boolean; readonly detail: string };

type Tools = CheckInput & { readonly s3: S3; readonly prefix: string };
type Check = { readonly name: string; readonly run: (tools: Tools) => Promise<void> };

const demand = (ok: boolean, what: string): void => {
  if (!ok) throw new Error(what);
};
const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const pathOf = (address: string): string => address.slice(new URL(address).origin.length);
const KIB = 1024;
const PART = 5 * KIB * KIB;

const s3Of = ({ key, secret, inside }: CheckInput): S3 =>
  openS3({ endpoint: `https://${inside.host}`, region: REGION, key, secret, httpsAgent: inside.agent });

const put = async (
  { s3, bucket, prefix }: Tools,
  name: string,
  size = 3 * KIB,
): Promise<{ readonly key: string; readonly body: Buffer }> => {
  const key = `${prefix}/${name}`;
  const body = randomBytes(Math.min(size, bucket.maxObjectBytes));
  await putObject(s3, { bucket: bucket.full, key, body, type: "image/x-croft" });
  return { key, body };
};

const refused = async (what: string, work: Promise<unknown>): Promise<void> => {
  const status = await work.then(
    () => 200,
    (error: { cause?: unknown }) => statusOf(error.cause ?? error),
  );
  demand(status === 403, `${what} was answered with ${status}, wanted 403`);
};

const signed = async (tools: Tools, method: "GET" | "HEAD" | "PUT" | "DELETE", key: string): Promise<string> =>
  pathOf(await presign(tools.s3, method, tools.bucket.full, key));

const same = (answer: Answer, body: Uint8Array, status = 200): void => {
  demand(answer.status === status, `status ${answer.status}, wanted ${status}`);
  demand(digest(answer.body) === digest(body), `${answer.body.length} other bytes came back`);
};

const VERBS = ["GET", "HEAD", "PUT", "POST", "DELETE", "LIST"] as const;

/** 404 is no: nothing under that name is shown to a stranger. */
const NO: readonly number[] = [400, 401, 403, 404, 405];

const anonymous = async (door: Door, bucket: string, key: string): Promise<void> => {
  for (const verb of VERBS) {
    const path = verb === "LIST" ? `/${bucket}?list-type=2` : `/${bucket}/${key}`;
    const { status } = await askThrough(door, { method: verb === "LIST" ? "GET" : verb, path, body: Buffer.alloc(0) });
    demand(NO.includes(status), `${verb} without a key was answered with ${status}`);
  }
};

const CHECKS: readonly Check[] = [
  {
    name: "path-style: the app writes, lists and removes by the public name",
    run: async (tools) => {
      const { s3, bucket } = tools;
      const { key, body } = await put(tools, "50% of #1? ä.bin");
      demand(digest((await getObject(s3, bucket.full, key)).body) === digest(body), "other bytes came back");
      const names: string[] = [];
      for await (const listed of listObjects(s3, bucket.full, tools.prefix)) names.push(listed.key);
      demand(names.includes(key), "the object is not in the list");
      await removeObject(s3, bucket.full, key);
      demand((await headObject(s3, bucket.full, key)) === undefined, "the object is still there");
    },
  },
  {
    name: "content type stays as it was given",
    run: async (tools) => {
      const { key } = await put(tools, "type");
      const { headers } = await askThrough(tools.outside, { method: "GET", path: await signed(tools, "GET", key) });
      demand(headers["content-type"] === "image/x-croft", `it is ${headers["content-type"]}`);
    },
  },
  {
    name: "presigned GET and HEAD from outside",
    run: async (tools) => {
      const { key, body } = await put(tools, "signed");
      same(await askThrough(tools.outside, { method: "GET", path: await signed(tools, "GET", key) }), body);
      const head = await askThrough(tools.outside, { method: "HEAD", path: await signed(tools, "HEAD", key) });
      demand(head.status === 200 && head.headers["content-length"] === String(body.length), `HEAD ${head.status}`);
    },
  },
  {
    name: "a signature that was changed is refused",
    run: async (tools) => {
      const { key } = await put(tools, "forged");
      const path = (await signed(tools, "GET", key)).replace(/X-Amz-Signature=../, "X-Amz-Signature=00");
      const { status } = await askThrough(tools.outside, { method: "GET", path });
      demand(status === 403, `status ${status}, wanted 403`);
    },
  },
  {
    name: "ranges",
    run: async (tools) => {
      const { key, body } = await put(tools, "range");
      const path = await signed(tools, "GET", key);
      same(await askThrough(tools.outside, { method: "GET", path, headers: { range: "bytes=10-99" } }), body.subarray(10, 100), 206);
      const { status } = await askThrough(tools.outside, { method: "GET", path, headers: { range: "bytes=99999999-" } });
      demand(status === 416, `beyond the end: status ${status}, wanted 416`);
    },
  },
  {
    name: "objects in parts",
    run: async ({ s3, bucket, prefix }) => {
      const first = Math.min(PART, bucket.maxObjectBytes);
      const parts = first < PART ? [randomBytes(first)] : [randomBytes(PART), randomBytes(KIB)];
      await putParts(s3, { bucket: bucket.full, key: `${prefix}/parts` }, parts);
      const { body } = await getObject(s3, bucket.full, `${prefix}/parts`);
      demand(digest(body) === digest(Buffer.concat(parts)), "other bytes came back");
    },
  },
  {
    name: "the key opens no other bucket",
    run: async ({ key, store, secret }) => {
      const tries = { ...store, secret };
      const as = <T>(work: (s3: S3) => Promise<T>): Promise<T> => withS3(tries, work, key);
      await refused(
        "writing elsewhere",
        as((s3) => putObject(s3, { bucket: PROBE_BUCKET, key: "x", body: Buffer.from("x") })),
      );
      await refused(
        "reading elsewhere",
        as((s3) => getObject(s3, PROBE_BUCKET, "x")),
      );
      await refused(
        "listing elsewhere",
        as((s3) => listObjects(s3, PROBE_BUCKET).next()),
      );
      await refused(
        "removing elsewhere",
        as((s3) => removeObject(s3, PROBE_BUCKET, "x")),
      );
      await refused(
        "looking elsewhere",
        as((s3) => hasBucket(s3, PROBE_BUCKET)),
      );
    },
  },
  {
    name: "six verbs without a key are refused: outside, inside and at the store",
    run: async (tools) => {
      const { key } = await put(tools, "stranger");
      await anonymous(tools.outside, tools.bucket.full, key);
      await anonymous(tools.inside, tools.bucket.full, key);
      const open = await openVerbs(tools.store);
      demand(open.length === 0, `at the store: ${open.join(", ")}`);
    },
  },
  {
    name: "from outside the key itself is worth nothing",
    run: async (tools) => {
      const { key } = await put(tools, "header");
      const s3 = openS3({
        endpoint: `https://${tools.outside.host}`,
        region: REGION,
        key: tools.key,
        secret: tools.secret,
        httpsAgent: tools.outside.agent,
      });
      await refused("GET signed in a header", getObject(s3, tools.bucket.full, key));
      const removal = await askThrough(tools.outside, { method: "DELETE", path: await signed(tools, "DELETE", key) });
      demand(removal.status === 405, `presigned DELETE: status ${removal.status}, wanted 405`);
    },
  },
  {
    name: "presigned PUT from outside, only where it is declared",
    run: async (tools) => {
      const key = `${tools.prefix}/upload`;
      const body = randomBytes(KIB);
      const { status } = await askThrough(tools.outside, { method: "PUT", path: await signed(tools, "PUT", key), body });
      const wanted = tools.bucket.upload ? 200 : 405;
      demand(status === wanted, `status ${status}, wanted ${wanted}`);
      if (tools.bucket.upload)
        demand(digest((await getObject(tools.s3, tools.bucket.full, key)).body) === digest(body), "other bytes arrived");
    },
  },
  {
    name: "nothing larger than maxObject",
    run: async ({ inside, bucket, prefix }) => {
      const headers = { "content-length": String(bucket.maxObjectBytes + 1) };
      const { status } = await askThrough(inside, { method: "PUT", path: `/${bucket.full}/${prefix}/large`, headers });
      demand(status === 413, `status ${status}, wanted 413`);
    },
  },
  {
    name: "pages of declared origins alone may read",
    run: async (tools) => {
      const { key } = await put(tools, "cors");
      const path = await signed(tools, "GET", key);
      const allowed = async (origin: string): Promise<unknown> =>
        (await askThrough(tools.outside, { method: "GET", path, headers: { origin } })).headers["access-control-allow-origin"];
      for (const origin of tools.bucket.cors) demand((await allowed(origin)) === origin, `${origin} may not`);
      const stranger = await allowed("https://stranger.invalid");
      demand(stranger === undefined, `a stranger may: ${String(stranger)}`);
    },
  },
];

const runCheck = async (tools: Tools, check: Check): Promise<CheckResult> => {
  const found = { bucket: tools.bucket.full, name: check.name };
  try {
    await check.run(tools);
    return { ...found, ok: true, detail: "" };
  } catch (error) {
    return { ...found, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
};

/** One bucket; what the checks write lies under a name of its own and is removed. */
export const checkBucket = async (input: CheckInput): Promise<readonly CheckResult[]> => {
  const s3 = s3Of(input);
  const tools: Tools = { ...input, s3, prefix: `croft-check/${randomBytes(6).toString("hex")}` };
  const results: CheckResult[] = [];
  try {
    for (const check of CHECKS) results.push(await runCheck(tools, check));
  } finally {
    for await (const { key } of listObjects(s3, input.bucket.full, tools.prefix)) await removeObject(s3, input.bucket.full, key);
    s3.destroy();
  }
  return results;
};
