/** The one door to object storage. */
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { StorageConfig } from "./config.ts";
import { type Part, toParts } from "./parts.ts";

/** Seconds for which a signed address works. */
export const URL_LIFE = 8_640;

/** Bytes: the least that storage takes for a part which is not the last. */
const PART_SIZE = 5 * 1024 * 1024;

export type Objects = {
  /** Bytes of unknown length, of which one part is in memory at a time. Leaves nothing where it throws. */
  readonly put: (key: string, type: string, body: Readable) => Promise<void>;
  /** Also what an upload left unfinished. Fine where there is nothing. */
  readonly remove: (key: string) => Promise<void>;
  readonly sign: (key: string) => Promise<string>;
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
};

export function openObjects({ endpoint, region, bucket, accessKey, secretKey }: StorageConfig): Objects {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    // Not every store knows the newer checksums, and a signed address must not ask for one.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
  });
  const at = (key: string) => ({ Bucket: bucket, Key: key });
  return {
    put: async (key, type, body) => {
      const object = { ...at(key), ContentType: type, CacheControl: `private, max-age=${URL_LIFE}, immutable` };
      const parts = toParts(body, PART_SIZE);
      const { value: first } = await parts.next();
      if (first === undefined || first.last) await client.send(new PutObjectCommand({ ...object, Body: first?.bytes ?? "" }));
      else await putParts(client, object, first, parts);
    },
    remove: async (key) => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }));
      const unfinished = Uploads.filter((upload) => upload.Key === key);
      await Promise.all(unfinished.map(({ UploadId }) => client.send(new AbortMultipartUploadCommand({ ...at(key), UploadId }))));
      await client.send(new DeleteObjectCommand(at(key)));
    },
    sign: (key) => getSignedUrl(client, new GetObjectCommand(at(key)), { expiresIn: URL_LIFE }),
    probe: async (signal) => void (await client.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal })),
    close: () => client.destroy(),
  };
}

type Target = { readonly Bucket: string; readonly Key: string };

/** What a failure leaves is removed here or, where that fails as well, by whoever sweeps. */
async function putParts(client: S3Client, target: Target, first: Part, rest: AsyncIterable<Part>): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const at = { Bucket: target.Bucket, Key: target.Key, UploadId };
  const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
  const put = async ({ bytes }: Part): Promise<void> => {
    const PartNumber = Parts.length + 1;
    Parts.push({ PartNumber, ETag: (await client.send(new UploadPartCommand({ ...at, PartNumber, Body: bytes }))).ETag });
  };
  try {
    await put(first);
    for await (const part of rest) await put(part);
    await client.send(new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(at)).catch(() => undefined);
    throw error;
  }
}
