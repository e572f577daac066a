/** Objects of a bucket for whoever nginx let pass: signed here, streamed as fast as they are taken. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isPage, keyOf } from "./keys.ts";
import { asErrorPage, conditionsOf, passedOn, verdictOn } from "./passing.ts";
import type { BucketKey, Shown } from "./settings.ts";
import { askStore } from "./store.ts";
import type { Method, Question } from "./store.ts";
import { errorText } from "./words.ts";

/** Beyond these the gate would have no memory left for its questions. */
const MOST_STREAMS = 512;
const streams = new Set<ServerResponse>();

/** For a gate that stops: clients ask for the rest of an object, while whoever signs in cannot wait for somebody's download. */
export const endStreams = (): void => {
  for (const response of streams) response.destroy();
};

type Reply = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body?: IncomingMessage };
type Ask = (object: string, headers: Readonly<Record<string, string>>) => Promise<IncomingMessage>;

const letGo = (message: IncomingMessage): void => void message.resume().on("error", () => {});

const log = (shown: Shown, reason: string): void =>
  console.log(JSON.stringify({ level: "warn", message: "an object was not shown", bucket: shown.bucket, reason }));

const askUnless = async (ask: Ask, object: string, headers: IncomingMessage["headers"]): Promise<IncomingMessage> => {
  const { first, unless } = conditionsOf(headers);
  const message = await ask(object, first);
  if (unless === undefined || message.statusCode !== 412) return message;
  letGo(message);
  return ask(object, unless);
};

const refusal = (status: number, headers: Reply["headers"] = {}): Reply => ({ status, headers });

const toReply = (shown: Shown, message: IncomingMessage): Reply => {
  const status = message.statusCode ?? 0;
  if (status === 403) log(shown, "the store does not take the gateway's key");
  const verdict = verdictOn(status);
  if (verdict === "shown") return { status, headers: passedOn(message.headers), body: message };
  letGo(message);
  if (verdict === "missing") return refusal(404);
  if (verdict === "failed") {
    log(shown, `the store answered ${status}`);
    return refusal(502);
  }
  const range = message.headers["content-range"];
  return refusal(status, range === undefined ? {} : { "content-range": range });
};

/** The object, or what the route has for one that is not there. */
const find = async (shown: Shown, ask: Ask, path: string, headers: IncomingMessage["headers"]): Promise<Reply> => {
  const object = keyOf(shown, path);
  const found = object === undefined ? refusal(404) : toReply(shown, await askUnless(ask, object, headers));
  if (found.status !== 404) return found;
  if (shown.spa && object !== undefined && isPage(path)) {
    return toReply(shown, await askUnless(ask, shown.prefix + shown.index, headers));
  }
  if (shown.notFound === undefined) return found;
  const page = toReply(shown, await ask(shown.prefix + shown.notFound, {}));
  return page.body === undefined ? page : { status: 404, headers: asErrorPage(page.body.headers), body: page.body };
};

const send = async (response: ServerResponse, method: string, { status, headers, body }: Reply): Promise<void> => {
  if (body === undefined) {
    const text = errorText(status);
    const own = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)), "cache-control": "no-store" };
    return void response.writeHead(status, { ...own, ...headers }).end(method === "HEAD" ? undefined : text);
  }
  response.writeHead(status, { ...headers });
  if (method === "HEAD" || status === 304) {
    letGo(body);
    return void response.end();
  }
  // Ends both when either does; what was begun and cannot be finished must not look whole.
  await pipeline(body, response);
};

const failure = (shown: Shown, error: unknown, late: boolean): Reply => {
  log(shown, late ? "the store took too long" : error instanceof Error ? error.message : String(error));
  return refusal(late ? 504 : 502);
};

/** A reply within the route's time, the store left alone as soon as the client goes. */
const inTime = async (shown: Shown, response: ServerResponse, work: (signal: AbortSignal) => Promise<Reply>): Promise<Reply> => {
  const [stop, late] = [new AbortController(), new AbortController()];
  const timer = setTimeout(() => late.abort(), shown.timeoutSeconds * 1000);
  const gone = (): void => stop.abort();
  response.once("close", gone);
  try {
    return await work(AbortSignal.any([stop.signal, late.signal]));
  } catch (error) {
    return stop.signal.aborted ? refusal(502) : failure(shown, error, late.signal.aborted);
  } finally {
    response.off("close", gone);
    clearTimeout(timer);
  }
};

const isReading = (method: string | undefined): method is Method => method === "GET" || method === "HEAD";

/** `path` is what the client asked for below the route, still encoded. */
export const showObject = async (
  shown: Shown,
  keys: BucketKey | undefined,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { method, headers } = request;
  if (!isReading(method)) return send(response, "", refusal(405, { allow: "GET, HEAD" }));
  if (keys === undefined) return send(response, method, failure(shown, "there is no key for it", false));
  if (streams.size >= MOST_STREAMS) return send(response, method, refusal(503));
  streams.add(response);
  try {
    const reply = await inTime(shown, response, (signal) => {
      const common: Omit<Question, "object" | "headers"> = { shown, keys, method, signal };
      return find(shown, (object, asked) => askStore({ ...common, object, headers: asked }), path, headers);
    });
    await send(response, method, reply);
  } catch (error) {
    // The client went, or the store in the middle of an object: nothing can be said any more.
    if (!response.destroyed) response.destroy(error instanceof Error ? error : undefined);
  } finally {
    streams.delete(response);
  }
};
