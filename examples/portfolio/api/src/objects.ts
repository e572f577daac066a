/** The one door to object storage. */
import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { StorageConfig } from "./config.ts";

/** Seconds for which a signed address works. */
export const URL_LIFE = 8_640;

export type Objects = {
  /** Bytes of unknown length, held in memory only a few MiB at a time. Leaves nothing where it throws. */
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
      const params = { ...at(key), Body: body, ContentType: type, CacheControl: `private, max-age=${URL_LIFE}, immutable` };
      await new Upload({ client, params, queueSize: 1 }).done();
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
