/** Copies a bucket between any two S3 endpoints, compares what arrived, and goes on where it was stopped. */
import { createHash } from "node:crypto";
import { getObject, headObject, listObjects, putObject, putParts } from "./s3.ts";
import type { Listed, S3 } from "./s3.ts";

export type Side = { readonly s3: S3; readonly bucket: string; readonly prefix: string };
export type Counts = { readonly copied: number; readonly kept: number; readonly failed: number; readonly bytes: number };
export type CopyInput = {
  readonly from: Side;
  readonly to: Side;
  readonly onObject: (line: string) => void;
};

/** Larger objects travel in parts, so that none is held in memory whole. */
const WHOLE = 16 * 1024 * 1024;
const LANES = 4;
/** What the copy says of where it came from: the source's ETag, and the digest of the bytes. */
const ETAG = "croft-source-etag";
const DIGEST = "croft-sha256";

const plain = (etag: string): string => etag.replaceAll('"', "");

/** The bytes of an object, in pieces that are asked for one by one. */
const read = async function* ({ s3, bucket }: Side, key: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < sizeBytes; start += WHOLE) {
    const range = `bytes=${start}-${Math.min(start + WHOLE, sizeBytes) - 1}`;
    yield (await getObject(s3, bucket, key, range)).body;
  }
};

const digestOf = async (pieces: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
};

const isThere = async (to: Side, key: string, { sizeBytes, etag }: Listed): Promise<boolean> => {
  const found = await headObject(to.s3, to.bucket, key);
  return found !== undefined && found.sizeBytes === sizeBytes && found.metadata[ETAG] === plain(etag);
};

const send = async ({ from, to }: CopyInput, listed: Listed, key: string): Promise<string> => {
  const source = await headObject(from.s3, from.bucket, listed.key);
  const type = source?.type === undefined ? {} : { type: source.type };
  const target = { bucket: to.bucket, key, ...type, metadata: { ...source?.metadata, [ETAG]: plain(listed.etag) } };
  if (listed.sizeBytes <= WHOLE) {
    const { body } = await getObject(from.s3, from.bucket, listed.key);
    const sha256 = createHash("sha256").update(body).digest("hex");
    await putObject(to.s3, { ...target, body, metadata: { ...target.metadata, [DIGEST]: sha256 } });
    return sha256;
  }
  const hash = createHash("sha256");
  const passing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of read(from, listed.key, listed.sizeBytes)) {
      hash.update(piece);
      yield piece;
    }
  };
  await putParts(to.s3, target, passing());
  return hash.digest("hex");
};

/** @throws where what arrived is not what was sent. */
const copyObject = async (input: CopyInput, listed: Listed): Promise<"copied" | "kept"> => {
  const { from, to } = input;
  const key = to.prefix + listed.key.slice(from.prefix.length);
  if (await isThere(to, key, listed)) return "kept";
  const sent = await send(input, listed, key);
  const arrived = await digestOf(read(to, key, listed.sizeBytes));
  const wanted = listed.sizeBytes === 0 ? await digestOf(read(from, listed.key, 0)) : sent;
  if (arrived !== wanted) throw new Error(`sha256 ${arrived} arrived, ${wanted} was sent`);
  return "copied";
};

export const copyBucket = async (input: CopyInput): Promise<Counts> => {
  const counts = { copied: 0, kept: 0, failed: 0, bytes: 0 };
  const source = listObjects(input.from.s3, input.from.bucket, input.from.prefix);
  const lane = async (): Promise<void> => {
    for await (const listed of source) {
      try {
        const done = await copyObject(input, listed);
        counts[done] += 1;
        counts.bytes += done === "copied" ? listed.sizeBytes : 0;
        if (done === "copied") input.onObject(`copied ${listed.key}`);
      } catch (error) {
        counts.failed += 1;
        input.onObject(`FAILED ${listed.key}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return counts;
};
