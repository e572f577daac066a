/** `fetch` for one site: its names at one address, its own CA, no redirect followed, nothing else reached. */
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Task } from "./contract.ts";

export type Request = { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string | Uint8Array };
export type Fetcher = (address: string, request: Request) => Promise<Response>;

const TIMEOUT_MS = 30_000;
const LARGEST_ANSWER = 128 * 1024 ** 2;
/** `Response` takes no body with these. */
const BODILESS = [204, 205, 304];

const headersOf = ({ rawHeaders }: IncomingMessage): Headers => {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  return headers;
};

const toResponse = async (answer: IncomingMessage): Promise<Response> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) throw new Error(`an answer is larger than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  const status = answer.statusCode ?? 0;
  return new Response(BODILESS.includes(status) ? null : Buffer.concat(chunks), { status, headers: headersOf(answer) });
};

const placeOf = (address: string, hosts: readonly string[]): URL => {
  const url = new URL(address);
  const known = /^https?:$/.test(url.protocol) && url.port === "" && hosts.includes(url.hostname);
  if (!known) throw new Error(`${url.origin} is no address of this site`);
  return url;
};

export const makeFetcher =
  ({ address, authority, hosts }: Pick<Task, "address" | "authority" | "hosts">, ports = { https: 443, http: 80 }): Fetcher =>
  async (target, { method, headers, body }) => {
    const url = placeOf(target, hosts);
    const secure = url.protocol === "https:";
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = {
        host: address,
        port: secure ? ports.https : ports.http,
        servername: url.hostname,
        path: url.pathname + url.search,
        method,
        ca: authority,
        headers: { ...headers, host: url.hostname, ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }) },
        timeout: TIMEOUT_MS,
        agent: false,
      };
      const outgoing = secure ? httpsRequest(options, resolve) : httpRequest(options, resolve);
      outgoing.on("timeout", () => outgoing.destroy(new Error(`${url.host} gave no answer within ${TIMEOUT_MS} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
    return toResponse(answer);
  };
