/** A server that misbehaves: each path in a way of its own, over real sockets. */
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export type Request = { readonly path: string; readonly range: string | undefined; readonly ifRange: string | undefined };

type Answer = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** How often this path was asked before. */
  readonly count: number;
};

const startOf = (request: IncomingMessage): number => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);

const head = ({ response, body }: Answer, start: number, headers: Readonly<Record<string, string>> = {}): void => {
  const range = start === 0 ? {} : { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` };
  response.writeHead(start === 0 ? 200 : 206, { "content-length": String(body.length - start), ...range, ...headers });
};

/** Sends at most `limit` bytes, then breaks the connection where more was promised. */
const send = (answer: Answer, start: number, limit: number, headers?: Readonly<Record<string, string>>): void => {
  head(answer, start, headers);
  const end = Math.min(answer.body.length, start + limit);
  if (end === answer.body.length) answer.response.end(answer.body.subarray(start));
  else answer.response.write(answer.body.subarray(start, end), () => setTimeout(() => answer.response.destroy(), 20));
};

const plain = ({ response }: Answer, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
  response.writeHead(status, headers);
  response.end(text);
};

const PAGE = "<!doctype html><title>Log in</title>";
const HALF = 2;

const BEHAVIOURS: Readonly<Record<string, (answer: Answer) => void>> = {
  "/good": (answer) => send(answer, startOf(answer.request), Infinity, { etag: '"one"' }),
  "/page": (answer) => plain(answer, 200, PAGE, { "content-type": "text/html; charset=utf-8" }),
  "/page-as-file": (answer) => plain(answer, 200, PAGE, { "content-type": "application/octet-stream" }),
  "/wrong": (answer) => plain(answer, 200, "other bytes"),
  "/quarters": (answer) => send(answer, startOf(answer.request), answer.body.length / 4, { etag: '"one"' }),
  "/no-range": (answer) => send(answer, 0, answer.count === 0 ? answer.body.length / HALF : Infinity),
  "/other-range": (answer) => {
    if (answer.count === 0) return send(answer, 0, answer.body.length / HALF);
    return send(answer, answer.count === 1 ? 1 : 0, Infinity);
  },
  "/not-satisfiable": (answer) => {
    if (startOf(answer.request) > 0) return plain(answer, 416, "");
    return send(answer, 0, answer.count === 0 ? answer.body.length / HALF : Infinity);
  },
  "/half-or-nothing": (answer) => (startOf(answer.request) > 0 ? plain(answer, 416, "") : send(answer, 0, answer.body.length / HALF)),
  // Another file after the break; a server that knows If-Range sends it whole.
  "/changes": (answer) => {
    if (answer.count === 0) return send({ ...answer, body: Buffer.alloc(answer.body.length, "x") }, 0, 1000, { etag: '"old"' });
    return send(answer, answer.request.headers["if-range"] === '"new"' ? startOf(answer.request) : 0, Infinity, { etag: '"new"' });
  },
  // The same without a validator: only the digest tells.
  "/changes-silently": (answer) => {
    if (answer.count === 0) return send({ ...answer, body: Buffer.alloc(answer.body.length, "x") }, 0, 1000);
    return send(answer, startOf(answer.request), Infinity);
  },
  "/first-half-only": (answer) => {
    if (startOf(answer.request) > 0) return void answer.response.destroy();
    return send(answer, 0, answer.body.length / HALF);
  },
  "/silent": (answer) => {
    head(answer, 0);
    answer.response.write(answer.body.subarray(0, 10));
  },
  "/busy": (answer) => (answer.count < 2 ? plain(answer, 503, "later") : send(answer, 0, Infinity)),
  "/round": (answer) => plain(answer, 302, "", { location: "/round" }),
  "/moved": (answer) => plain(answer, 302, "", { location: "/good" }),
  "/endless": (answer) => {
    answer.response.writeHead(200);
    const more = (): void => void (answer.response.destroyed || answer.response.write(Buffer.alloc(65_536), more));
    more();
  },
};

const makeListener = (body: Buffer, requests: Request[], redirect: string | undefined): RequestListener => {
  const counts = new Map<string, number>();
  return (request, response) => {
    const path = request.url ?? "";
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    requests.push({ path, range: request.headers.range, ifRange: request.headers["if-range"] as string | undefined });
    const answer: Answer = { request, response, body, count };
    const status = /^\/status\/(\d+)$/.exec(path)?.[1];
    if (status !== undefined) return plain(answer, Number(status), "no");
    if (path === "/to-plain" && redirect !== undefined) return plain(answer, 302, "", { location: redirect });
    const behave = BEHAVIOURS[path] ?? (path.startsWith("/sha256/") ? BEHAVIOURS["/good"] : undefined);
    return behave === undefined ? plain(answer, 404, "no") : behave(answer);
  };
};

export type FaultServer = { readonly url: string; readonly requests: readonly Request[]; readonly close: () => Promise<void> };

export type FaultOptions = {
  readonly body: Buffer;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly redirect?: string;
};

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

export const startFaultServer = async ({ body, tls, redirect }: FaultOptions): Promise<FaultServer> => {
  const requests: Request[] = [];
  const listener = makeListener(body, requests, redirect);
  const server = tls === undefined ? createServer(listener) : (createSecureServer(tls, listener) as unknown as Server);
  const port = await listen(server);
  return {
    url: `${tls === undefined ? "http" : "https"}://localhost:${port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
};
