/** What of a request reaches the store, and what of its answer reaches the client. Pure. */
import type { IncomingHttpHeaders } from "node:http";

type Headers = Readonly<Record<string, string>>;

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === "string" ? value : undefined);
const only = (name: string, value: string | undefined): Headers => (value === undefined ? {} : { [name]: value });

/** One range; several at once no store answers in the same way, and a server may answer with the whole. */
const ONE_RANGE = /^bytes=(?:\d+-\d*|-\d+)$/;

/**
 * A date counts only where no tag is sent. nginx marks tags of what it compressed as weak: here they mean the object itself.
 * Stores ignore `If-Range`, so it becomes a condition that they know; `unless` are the conditions when it does not hold.
 */
export const conditionsOf = (headers: IncomingHttpHeaders): { readonly first: Headers; readonly unless?: Headers } => {
  const [none, match] = [headers["if-none-match"]?.replaceAll("W/", ""), headers["if-match"]];
  const plain = {
    ...only("if-none-match", none),
    ...(none === undefined ? only("if-modified-since", headers["if-modified-since"]) : {}),
    ...only("if-match", match),
    ...(match === undefined ? only("if-unmodified-since", headers["if-unmodified-since"]) : {}),
  };
  const range = textOf(headers.range);
  if (range === undefined || !ONE_RANGE.test(range)) return { first: plain };
  const version = textOf(headers["if-range"]);
  if (version === undefined) return { first: { ...plain, range } };
  if (version.startsWith("W/") || match !== undefined) return { first: plain };
  const same = version.startsWith('"') ? { "if-match": version } : { "if-unmodified-since": version };
  return { first: { ...plain, ...same, range }, unless: plain };
};

const OF_OBJECTS = [
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "expires",
  "last-modified",
] as const;

/** Everything else is the store's own affair. */
export const passedOn = (headers: IncomingHttpHeaders): Headers =>
  Object.assign({}, ...OF_OBJECTS.map((name) => only(name, textOf(headers[name])))) as Headers;

const OF_PAGES = new Set(["content-encoding", "content-language", "content-length", "content-type"]);

/** Of an object that stands for an error: nobody keeps it or asks for a part of it. */
export const asErrorPage = (headers: IncomingHttpHeaders): Headers => ({
  ...Object.fromEntries(Object.entries(passedOn(headers)).filter(([name]) => OF_PAGES.has(name))),
  "cache-control": "no-store",
});

export type Verdict = "shown" | "missing" | "condition" | "failed";

/** A key that the store does not take, or a name that it refuses, is for people the same as an object that is not there. */
export const verdictOn = (status: number): Verdict => {
  if (status === 200 || status === 206 || status === 304) return "shown";
  if (status === 412 || status === 416) return "condition";
  return status >= 400 && status < 500 && status !== 429 && status !== 408 ? "missing" : "failed";
};
