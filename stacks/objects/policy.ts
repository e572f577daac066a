/** What the key of one bucket may do: everything with its objects, nothing anywhere else. Pure. */
import type { Json } from "../../provisioner/plan/resource.ts";

const OBJECTS = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"];
const BUCKET = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];

export const policyOf = (bucket: string) => ({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: OBJECTS, Resource: [`arn:aws:s3:::${bucket}/*`] },
    { Effect: "Allow", Action: BUCKET, Resource: [`arn:aws:s3:::${bucket}`] },
  ],
});

/** What the gateway's key may do. Who may list is told that an object is not there, instead of being refused as with a wrong key. */
export const readerPolicyOf = (bucket: string, prefixes: readonly string[]) => ({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["s3:GetObject"], Resource: prefixes.map((prefix) => `arn:aws:s3:::${bucket}/${prefix}*`) },
    { Effect: "Allow", Action: ["s3:ListBucket"], Resource: [`arn:aws:s3:::${bucket}`] },
  ],
});

/** Lists of a policy are sets: sorted, two that say the same read the same. */
const sorted = (value: unknown): Json => {
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item));
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value as Json;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
};

export const policyText = (policy: unknown): string => JSON.stringify(sorted(policy));
