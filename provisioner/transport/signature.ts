/**
 * AWS Signature Version 4 in a header, for calls that no SDK knows, and for the gateway, which has none. Imports nothing of
 * the project, since it is sent to machines as it stands. Pure.
 */
import { createHash, createHmac } from "node:crypto";

export type Unsigned = {
  readonly method: string;
  readonly region: string;
  readonly host: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** `20260102T030405Z` */
  readonly time: string;
};

const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();
/** As signatures want it: all but letters, digits and `-._~`. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

export const queryText = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");

/** Headers to send: signed are host, time and the digest of the body. */
export const sign = (request: Unsigned, key: string, secret: string): Readonly<Record<string, string>> => {
  const day = request.time.slice(0, 8);
  const scope = `${day}/${request.region}/s3/aws4_request`;
  const digest = sha256(request.body);
  const headers = { host: request.host, "x-amz-content-sha256": digest, "x-amz-date": request.time };
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = [request.method, request.path, queryText(request.query), lines.join(""), names, digest].join("\n");
  const signed = ["AWS4-HMAC-SHA256", request.time, scope, sha256(canonical)].join("\n");
  const signing = [day, request.region, "s3", "aws4_request"].reduce<Uint8Array | string>(
    (previous, part) => hmac(previous, part),
    `AWS4${secret}`,
  );
  const signature = hmac(signing, signed).toString("hex");
  return { ...headers, authorization: `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names}, Signature=${signature}` };
};

export const signatureTime = (date: Date): string => date.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
