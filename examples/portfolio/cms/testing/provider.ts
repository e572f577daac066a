/** A login service as small as the protocol allows: codes with PKCE, RS256 tokens, refresh, logout, and a form like Keycloak's. */
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export const USER = { username: "noor", password: "tide & <salt>", name: "Noor Halvorsen" };
const CLIENT = "portfolio";

type Code = { readonly redirect: string; readonly challenge: string; readonly nonce: string };
export type Provider = {
  readonly issuer: string;
  /** The claims of a token that is signed by this service, is for this client and has not ended; undefined otherwise. */
  readonly check: (token: string) => Readonly<Record<string, unknown>> | undefined;
  /** Grants that were given so far, by type. */
  readonly granted: Readonly<Record<string, number>>;
  /** Ends every session; tokens that are out stay good until their time. */
  readonly endSessions: () => void;
  readonly close: () => Promise<void>;
};

/** `redirects`: where people may be sent back to. `life`: seconds of an access token. */
export async function startProvider(redirects: (address: string) => boolean, life: number, roles: readonly string[]): Promise<Provider> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [codes, refreshes, sessions] = [new Map<string, Code>(), new Set<string>(), new Set<string>()];
  const granted: Record<string, number> = {};
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}/realms/portfolio`;

  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const toToken = (claims: object): string => {
    const now = Math.floor(Date.now() / 1000);
    const body = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iss: issuer, iat: now, exp: now + life, sub: "1", ...claims })}`;
    return `${body}.${sign("RSA-SHA256", Buffer.from(body), privateKey).toString("base64url")}`;
  };
  const check = (token: string): Record<string, unknown> | undefined => {
    const [header = "", body = "", signature = ""] = token.split(".");
    if (!verify("RSA-SHA256", Buffer.from(`${header}.${body}`), createPublicKey(privateKey), Buffer.from(signature, "base64url")))
      return undefined;
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    return claims.iss === issuer && claims.azp === CLIENT && Number(claims.exp) * 1000 > Date.now() ? claims : undefined;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "", issuer);
    const form = new URLSearchParams(request.method === "POST" ? await text(request) : "");
    const cookies = new Map((request.headers.cookie ?? "").split("; ").map((cookie) => cookie.split("=") as [string, string]));
    response.setHeader("Access-Control-Allow-Origin", "*");
    switch (url.pathname.replace("/realms/portfolio", "")) {
      case "/.well-known/openid-configuration":
        return send(response, describe(issuer));
      case "/auth":
        return authorize(response, url.searchParams, cookies);
      case "/login-actions/authenticate":
        return login(response, url.searchParams, form, cookies);
      case "/token":
        return grant(response, form);
      case "/logout":
        sessions.delete(cookies.get("sso") ?? "");
        return redirect(response, url.searchParams.get("post_logout_redirect_uri") ?? "", ["sso=; Max-Age=0; Path=/"]);
      default:
        return send(response, { error: "not_found" }, 404);
    }
  };
  const authorize = (response: ServerResponse, query: URLSearchParams, cookies: ReadonlyMap<string, string>): void => {
    const back = query.get("redirect_uri") ?? "";
    const sound =
      query.get("client_id") === CLIENT && redirects(back) && query.get("response_type") === "code" && query.get("scope") === "openid";
    if (!sound || query.get("code_challenge_method") !== "S256" || !query.has("state")) return send(response, { error: "bad" }, 400);
    if (sessions.has(cookies.get("sso") ?? "")) return giveCode(response, query, []);
    showForm(response, query, "");
  };
  const showForm = (response: ServerResponse, query: URLSearchParams, problem: string): void => {
    const action = `${issuer}/login-actions/authenticate?${query}`.replaceAll("&", "&amp;");
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Set-Cookie": ["AUTH_SESSION_ID=1; Path=/; HttpOnly"] });
    response.end(`<!doctype html><title>Log in</title><h1>Log in</h1><p>${problem}</p>
      <form id="kc-form-login" action="${action}" method="post">
      <label>Username <input name="username"></label><label>Password <input name="password" type="password"></label>
      <input type="hidden" name="credentialId"><button>Log in</button></form>`);
  };
  const login = (response: ServerResponse, query: URLSearchParams, form: URLSearchParams, cookies: ReadonlyMap<string, string>): void => {
    if (!cookies.has("AUTH_SESSION_ID")) return send(response, { error: "cookie_not_found" }, 400);
    if (form.get("username") !== USER.username || form.get("password") !== USER.password) return showForm(response, query, "Wrong.");
    const session = randomUUID();
    sessions.add(session);
    giveCode(response, query, [`sso=${session}; Path=/; HttpOnly`]);
  };
  const giveCode = (response: ServerResponse, query: URLSearchParams, cookies: readonly string[]): void => {
    const [code, back] = [randomUUID(), query.get("redirect_uri") ?? ""];
    codes.set(code, { redirect: back, challenge: query.get("code_challenge") ?? "", nonce: query.get("nonce") ?? "" });
    redirect(response, `${back}?${new URLSearchParams({ state: query.get("state") ?? "", code, iss: issuer })}`, cookies);
  };
  const grant = (response: ServerResponse, form: URLSearchParams): void => {
    const type = form.get("grant_type") ?? "";
    const nonce =
      type === "authorization_code"
        ? redeem(form)
        : refreshes.delete(form.get("refresh_token") ?? "") && sessions.size > 0
          ? ""
          : undefined;
    if (nonce === undefined || form.get("client_id") !== CLIENT) return send(response, { error: "invalid_grant" }, 400);
    granted[type] = (granted[type] ?? 0) + 1;
    const refresh = randomUUID();
    refreshes.add(refresh);
    send(response, {
      access_token: toToken({ azp: CLIENT, aud: "portfolio-api", realm_access: { roles } }),
      id_token: toToken({ aud: CLIENT, name: USER.name, ...(nonce !== "" && { nonce }) }),
      refresh_token: refresh,
      expires_in: life,
      token_type: "Bearer",
    });
  };
  /** The nonce, where code, address and verifier fit; a code works once. */
  const redeem = (form: URLSearchParams): string | undefined => {
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    return code?.redirect === form.get("redirect_uri") && code?.challenge === challenge ? code?.nonce : undefined;
  };
  return {
    issuer,
    check,
    granted,
    endSessions: () => {
      sessions.clear();
      refreshes.clear();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function describe(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    end_session_endpoint: `${issuer}/logout`,
  };
}

function send(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function redirect(response: ServerResponse, to: string, cookies: readonly string[]): void {
  response.writeHead(302, { Location: to, "Set-Cookie": [...cookies] }).end();
}
