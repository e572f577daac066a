/** Somebody with a browser, who comes by way of the gateway. */
import { createHash } from "node:crypto";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { GATEWAY, HOST } from "./keycloak.fixture.ts";

export type Reply = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
};

export type Ask = {
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly cookies?: string;
  /** The address it comes from; the gateway's by default. */
  readonly from?: string;
  readonly forwardedFor?: string;
};

export const send = async (port: number, { path, form, cookies, from = GATEWAY, forwardedFor = "198.51.100.7" }: Ask): Promise<Reply> => {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const headers = {
    host: HOST,
    "x-forwarded-proto": "https",
    "x-forwarded-host": HOST,
    "x-forwarded-port": "443",
    "x-forwarded-for": forwardedFor,
    ...(cookies === undefined ? {} : { cookie: cookies }),
    ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) }),
  };
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method: body === undefined ? "GET" : "POST", headers, localAddress: from };
    request(options, resolve).once("error", reject).end(body);
  });
  return { status: message.statusCode ?? 0, headers: message.headers, text: await text(message) };
};

const VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-of-pkce";
export const REDIRECT = "https://cms.shop.test/back";

export const authorizePath = (changes: Readonly<Record<string, string | undefined>> = {}): string => {
  const wanted = {
    client_id: "cms",
    response_type: "code",
    scope: "openid",
    redirect_uri: REDIRECT,
    state: "one",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/realms/shop/protocol/openid-connect/auth?${new URLSearchParams(given).toString()}`;
};

export const tokenPath = "/realms/shop/protocol/openid-connect/token";

/** What the form of a page would be sent to. */
const actionOf = (page: string): string => {
  const action = /action="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
  if (action === undefined) throw new Error(`the page has no form:\n${page.slice(0, 2000)}`);
  const url = new URL(action);
  return url.pathname + url.search;
};

/** Signs in with a password, by the code flow; the answer is what the browser is sent to. */
export const signIn = async (
  port: number,
  username: string,
  password: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Reply> => {
  const page = await send(port, { path: authorizePath(changes) });
  const cookies = (page.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");
  return send(port, { path: actionOf(page.text), form: { username, password }, cookies });
};

export type Tokens = { readonly access_token: string; readonly refresh_token: string };

/** What the token endpoint says to a code. */
export const askToken = (port: number, reply: Reply, changes: Readonly<Record<string, string>>): Promise<Reply> => {
  const code = new URL(reply.headers.location ?? "").searchParams.get("code") ?? "";
  const form = { grant_type: "authorization_code", client_id: "cms", code, redirect_uri: REDIRECT, code_verifier: VERIFIER, ...changes };
  return send(port, { path: tokenPath, form });
};

export const redeem = async (port: number, reply: Reply): Promise<Tokens> => {
  const answer = await askToken(port, reply, {});
  if (answer.status !== 200) throw new Error(`no token: ${answer.text}`);
  return JSON.parse(answer.text) as Tokens;
};

export const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Readonly<Record<string, unknown>>;
