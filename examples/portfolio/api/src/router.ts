import type { IncomingMessage } from "node:http";
import type { Access, Caller } from "./access.ts";
import { HttpError, notFound, type Reply } from "./reply.ts";

export type Context = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  /** Parses the JSON body; throws HttpError. */
  readonly body: () => Promise<unknown>;
  /** For bodies that are not JSON. */
  readonly request: IncomingMessage;
};

export type Route = {
  readonly method: string;
  /** Segments that begin with a colon match a UUID. */
  readonly pattern: string;
  readonly access: Access;
  readonly handle: (context: Context) => Promise<Reply>;
};

export type Match = { readonly route: Route; readonly params: Readonly<Record<string, string>> };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The first route that fits. Throws 404 for an unknown path, 405 for an unknown method. */
export function findRoute(routes: readonly Route[], method: string, path: string): Match {
  const wanted = method === "HEAD" ? "GET" : method;
  const fitting = routes.flatMap((route) => {
    const params = matchPath(route.pattern, path);
    return params === undefined ? [] : [{ route, params }];
  });
  const found = fitting.find((match) => match.route.method === wanted);
  if (found !== undefined) return found;
  if (fitting.length === 0) throw notFound("page");
  throw new HttpError(405, `${method} is not possible here`, { headers: { Allow: toAllow(fitting) } });
}

export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":") && UUID.test(value)) params[part.slice(1)] = value.toLowerCase();
    else if (part !== value) return undefined;
  }
  return params;
}

function toAllow(matches: readonly Match[]): string {
  const methods = matches.map((match) => match.route.method);
  return [...new Set(methods.includes("GET") ? ["GET", "HEAD", ...methods] : methods)].join(", ");
}
