/** The HTTP of the real program: a small subset, with its own words for what it refuses. Pure. */
import type { ApiAnswer, ApiRequest } from "../core/routes.ts";

const LINE_LIMIT = 1024;
const BODY_LIMIT = 51_200;

export class HttpRefusal extends Error {}

type Head = { readonly method: ApiRequest["method"]; readonly path: string; length: number; expectsContinue: boolean };

/** What is still unread of a connection. */
export type Connection = { rest: Buffer; head: Head | undefined; inBody: boolean };
export const makeConnection = (): Connection => ({ rest: Buffer.alloc(0), head: undefined, inBody: false });

const METHODS = ["GET", "PUT", "PATCH", "DELETE"] as const;

const toPath = (uri: string): string => {
  if (!uri.startsWith("http://")) return uri.startsWith("/") ? uri : "";
  const rest = uri.slice("http://".length);
  return rest.includes("/") ? rest.slice(rest.indexOf("/")) : "";
};

const parseRequestLine = (line: string): Head => {
  const [name, uri, ...version] = line.split(" ");
  if (uri === undefined || version.length === 0) throw new HttpRefusal("Invalid request.");
  const method = METHODS.find((known) => known === name);
  if (method === undefined) throw new HttpRefusal("Invalid HTTP Method: Unsupported HTTP method.");
  if (uri === "") throw new HttpRefusal("Invalid URI: Empty URI not allowed.");
  if (!["HTTP/1.0", "HTTP/1.1"].includes(version.join(" "))) throw new HttpRefusal("Invalid HTTP Version: Unsupported HTTP version.");
  return { method, path: toPath(uri), length: 0, expectsContinue: false };
};

const parseHeader = (head: Head, line: string): void => {
  const colon = line.indexOf(":");
  if (colon < 0) throw new HttpRefusal(`Invalid header. Reason: Header is incorrectly formatted. Key: ${line}`);
  const key = line.slice(0, colon);
  const value = line.slice(colon + 1);
  if (key.toLowerCase().trim() === "content-length") {
    if (!/^\+?\d+$/.test(value.trim()) || Number(value) > 0xffff_ffff)
      throw new HttpRefusal(`Invalid header. Reason: Invalid value. Key:${key}; Value:${value}`);
    head.length = Number(value);
  }
  if (key.toLowerCase().trim() === "expect" && value.trim() === "100-continue") head.expectsContinue = true;
};

const takeLine = (connection: Connection): string | undefined => {
  const end = connection.rest.indexOf("\r\n");
  if (end > LINE_LIMIT - 2 || (end < 0 && connection.rest.length >= LINE_LIMIT)) {
    if (connection.head === undefined) throw new HttpRefusal("Invalid request.");
    const start = connection.rest.subarray(0, LINE_LIMIT).toString("latin1");
    throw new HttpRefusal(`Invalid header. Reason: Invalid content length. Header: ${start}`);
  }
  if (end < 0) return undefined;
  const line = connection.rest.subarray(0, end).toString("utf8");
  connection.rest = connection.rest.subarray(end + 2);
  return line;
};

const endHead = (connection: Connection, head: Head): void => {
  if (head.length > BODY_LIMIT)
    throw new HttpRefusal(`Request payload with size ${head.length} is larger than the limit of ${BODY_LIMIT} allowed by server.`);
  connection.inBody = true;
};

const takeBody = (connection: Connection, head: Head): ApiRequest | undefined => {
  if (connection.rest.length < head.length) return undefined;
  const body = head.length === 0 ? undefined : connection.rest.subarray(0, head.length);
  connection.rest = connection.rest.subarray(head.length);
  connection.head = undefined;
  connection.inBody = false;
  return { method: head.method, path: head.path, body };
};

export type Parsed = ApiRequest | "continue" | undefined;

/** The next whole request; `continue` where the sender waits for leave; undefined where more bytes are needed. @throws HttpRefusal */
export const nextRequest = (connection: Connection): Parsed => {
  while (!connection.inBody) {
    const line = takeLine(connection);
    if (line === undefined) return undefined;
    if (connection.head === undefined) connection.head = parseRequestLine(line);
    else if (line !== "") parseHeader(connection.head, line);
    else {
      endHead(connection, connection.head);
      if (connection.head.expectsContinue && connection.head.length > 0) return "continue";
    }
  }
  return connection.head === undefined ? undefined : takeBody(connection, connection.head);
};

const renderHead = (status: number, server: string, type: string, length: number | undefined): string =>
  [
    `HTTP/1.1 ${status} `,
    `Server: ${server}`,
    "Connection: keep-alive",
    ...(length === undefined ? [] : [`Content-Type: ${type}`, `Content-Length: ${length}`]),
    "",
    "",
  ].join("\r\n");

export const renderAnswer = ({ status, body }: ApiAnswer): string =>
  renderHead(status, "Cloud Hypervisor API", "application/json", body === undefined ? undefined : Buffer.byteLength(body)) + (body ?? "");

/** The body looks like JSON and is none: it holds a raw line break. */
export const renderRefusal = (refusal: HttpRefusal): string => {
  const body = `{ "error": "${refusal.message}\nAll previous unanswered requests will be dropped." }`;
  return renderHead(400, "Firecracker API", "text/plain", Buffer.byteLength(body)) + body;
};

export const CONTINUE = "HTTP/1.1 100 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n";

const FULL_BODY = '{ "error": "Too many open connections" }';
export const FULL_ANSWER = `HTTP/1.1 503\r\nServer: Firecracker API\r\nConnection: close\r\nContent-Length: ${FULL_BODY.length}\r\n\r\n${FULL_BODY}`;
