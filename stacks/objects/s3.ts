/** The one door of the AWS SDK: buckets and objects of any S3 endpoint, path-style. Loaded only where it is used. */
import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

export type S3Options = {
  readonly endpoint: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
  readonly httpAgent?: HttpAgent;
  readonly httpsAgent?: HttpsAgent;
};

export const openS3 = ({ endpoint, region, key, secret, httpAgent, httpsAgent }: S3Options): S3Client =>
  new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: key, secretAccessKey: secret },
    maxAttempts: 3,
    // Else every address signed for a PUT carries the checksum of an empty body, which SeaweedFS holds it to.
    requestChecksumCalculation: "WHEN_REQUIRED",
    requestHandler: {
      ...(httpAgent === undefined ? {} : { httpAgent }),
      ...(httpsAgent === undefined ? {} : { httpsAgent }),
      connectionTimeout: 5000,
      requestTimeout: 60_000,
    },
  });

export type S3 = S3Client;

type Answered = { readonly $metadata?: { readonly httpStatusCode?: number }; readonly $response?: { readonly statusCode?: number } };

/** HTTP status of the answer an error came from, be it the store's or the gateway's; 0: there was none. */
export const statusOf = (error: unknown): number => {
  const { $metadata, $response } = (error ?? {}) as Answered;
  return $metadata?.httpStatusCode ?? $response?.statusCode ?? 0;
};

/** undefined where the server says it is not there. */
const unlessMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
};

export const hasBucket = async (s3: S3, bucket: string): Promise<boolean> =>
  (await unlessMissing(s3.send(new HeadBucketCommand({ Bucket: bucket })))) !== undefined;

export const makeBucket = async (s3: S3, bucket: string): Promise<void> => {
  if (!(await hasBucket(s3, bucket))) await s3.send(new CreateBucketCommand({ Bucket: bucket }));
};

/** What the bucket lets people without a key do; undefined: nothing. */
export const readBucketPolicy = async (s3: S3, bucket: string): Promise<string | undefined> =>
  (await unlessMissing(s3.send(new GetBucketPolicyCommand({ Bucket: bucket }))))?.Policy;

export const dropBucketPolicy = async (s3: S3, bucket: string): Promise<void> => {
  await unlessMissing(s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket })));
};

export type Listed = { readonly key: string; readonly sizeBytes: number; readonly etag: string };

export const listObjects = async function* (s3: S3, bucket: string, prefix = ""): AsyncGenerator<Listed> {
  let next: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(next === undefined ? {} : { ContinuationToken: next }) }),
    );
    for (const { Key: key = "", Size: sizeBytes = 0, ETag: etag = "" } of page.Contents ?? []) yield { key, sizeBytes, etag };
    next = page.NextContinuationToken;
  } while (next !== undefined);
};

export const removeObject = async (s3: S3, bucket: string, key: string): Promise<void> => {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
};

export const removeBucket = async (s3: S3, bucket: string): Promise<void> => {
  if (!(await hasBucket(s3, bucket))) return;
  for await (const { key } of listObjects(s3, bucket)) await removeObject(s3, bucket, key);
  await unlessMissing(s3.send(new DeleteBucketCommand({ Bucket: bucket })));
};

export type Put = {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array;
  readonly type?: string;
  readonly metadata?: Readonly<Record<string, string>>;
};

export const putObject = async (s3: S3, { bucket, key, body, type, metadata }: Put): Promise<void> => {
  const extra = { ...(type === undefined ? {} : { ContentType: type }), ...(metadata === undefined ? {} : { Metadata: { ...metadata } }) };
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...extra }));
};

export type Got = {
  readonly body: Uint8Array;
  readonly type: string | undefined;
  readonly range: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
};

export const getObject = async (s3: S3, bucket: string, key: string, range?: string): Promise<Got> => {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(range === undefined ? {} : { Range: range }) }));
  const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
  return { body, type: answer.ContentType, range: answer.ContentRange, metadata: answer.Metadata ?? {} };
};

export type Head = { readonly sizeBytes: number; readonly type: string | undefined; readonly metadata: Readonly<Record<string, string>> };

export const headObject = async (s3: S3, bucket: string, key: string): Promise<Head | undefined> => {
  const answer = await unlessMissing(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
  if (answer === undefined) return undefined;
  return { sizeBytes: answer.ContentLength ?? 0, type: answer.ContentType, metadata: answer.Metadata ?? {} };
};

type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Parts in order; what was begun and not finished is taken back. */
export const putParts = async (s3: S3, { bucket, key, type, metadata }: Omit<Put, "body">, parts: Parts): Promise<void> => {
  const target = { Bucket: bucket, Key: key };
  const extra = { ...(type === undefined ? {} : { ContentType: type }), ...(metadata === undefined ? {} : { Metadata: { ...metadata } }) };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, ...extra }));
  try {
    const done: { ETag: string | undefined; PartNumber: number }[] = [];
    for await (const Body of parts) {
      const PartNumber = done.length + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
      done.push({ ETag, PartNumber });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: done } }));
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
    throw error;
  }
};

const COMMANDS = {
  GET: (target: { Bucket: string; Key: string }) => new GetObjectCommand(target),
  HEAD: (target: { Bucket: string; Key: string }) => new HeadObjectCommand(target),
  PUT: (target: { Bucket: string; Key: string }) => new PutObjectCommand(target),
  DELETE: (target: { Bucket: string; Key: string }) => new DeleteObjectCommand(target),
} as const;

/** An address that does one thing for as long as it is good. */
export const presign = (s3: S3, method: keyof typeof COMMANDS, bucket: string, key: string, seconds = 300): Promise<string> =>
  getSignedUrl(s3, COMMANDS[method]({ Bucket: bucket, Key: key }) as GetObjectCommand, { expiresIn: seconds });
