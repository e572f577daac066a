/** One request from its first byte to its log line. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Gatekeeper } from "./access.ts";
import { readJson } from "./body.ts";
import type { Metrics } from "./metrics.ts";
import { HttpError, type Reply, toErrorReply } from "./reply.ts";
import { findRoute, type Route } from "./router.ts";

export type ListenerParts = {
  readonly routes: readonly Route[];
  readonly gatekeeper: Gatekeeper;
  readonly corsOrigins: ReadonlySet<string>;
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  readonly log: Logger;
};

/** Anything else could forge a line of the log. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** Nobody is left to read the answer; only logged and counted. */
const READER_GONE = 499;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export function makeListener(parts: ListenerParts): RequestListener {
  return (request, response) => void answer(parts, request, response);
}

async function answer(parts: ListenerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const id = getRequestId(request);
  const seen: Seen = { route: "none", error: undefined };
  parts.metrics.begin();
  const reply = await run(parts, request, seen);
  const status = response.destroyed ? READER_GONE : reply.status;
  send(response, reply, { "X-Request-Id": id, ...getCorsHeaders(parts.corsOrigins, request), ...getDrainHeaders(parts) });
  record(parts, request, { id, started, status, ...seen });
}

type Seen = { route: string; error: unknown };

async function run(parts: ListenerParts, request: IncomingMessage, seen: Seen): Promise<Reply> {
  try {
    const { pathname, searchParams } = parseTarget(request.url ?? "");
    if (request.method === "OPTIONS") return { status: 204, body: undefined };
    const { route, params } = findRoute(parts.routes, request.method ?? "GET", pathname);
    seen.route = route.pattern;
    const caller = parts.gatekeeper(route.access, request.headers);
    return await route.handle({ params, query: searchParams, caller, request, body: () => readJson(request) });
  } catch (error) {
    seen.error = error;
    return toErrorReply(error);
  }
}

function parseTarget(target: string): URL {
  const url = target.startsWith("/") ? URL.parse(`http://api${target}`) : null;
  if (url === null) throw new HttpError(400, "the address cannot be understood");
  return url;
}

function send(response: ServerResponse, reply: Reply, headers: Record<string, string>): void {
  const text = reply.body === undefined ? "" : JSON.stringify(reply.body);
  const length = reply.status === 204 ? {} : { "Content-Length": String(Buffer.byteLength(text)) };
  response.writeHead(reply.status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...length,
    ...headers,
    ...reply.headers,
  });
  response.end(text);
}

function getRequestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

function getCorsHeaders(origins: ReadonlySet<string>, request: IncomingMessage): Record<string, string> {
  const origin = request.headers.origin;
  if (origins.size === 0) return {};
  if (origin === undefined || !origins.has(origin)) return { Vary: "Origin" };
  return {
    Vary: "Origin",
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-Id",
    "Access-Control-Max-Age": "600",
  };
}

/** While stopping, no connection is kept for a next request. */
function getDrainHeaders(parts: ListenerParts): Record<string, string> {
  return parts.isDraining() ? { Connection: "close" } : {};
}

type About = Seen & { readonly id: string; readonly started: number; readonly status: number };

function record(parts: ListenerParts, request: IncomingMessage, about: About): void {
  const seconds = (performance.now() - about.started) / 1000;
  const method = METHODS.has(request.method ?? "") ? String(request.method) : "other";
  const { status } = about;
  parts.metrics.end(method, about.route, status, seconds);
  const line = { requestId: about.id, method, route: about.route, path: toPath(request.url), status, ms: Math.round(seconds * 1e4) / 10 };
  if (about.error !== undefined && status >= 500) parts.log.error({ ...line, err: about.error }, "request failed");
  else parts.log[about.route.startsWith("/api/") || status >= 400 ? "info" : "debug"](line, "request");
}

/** Without the query, which may hold what a log should not. */
function toPath(target = ""): string {
  return (target.split("?")[0] ?? "").slice(0, 200);
}
