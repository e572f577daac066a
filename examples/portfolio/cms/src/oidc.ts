/** OpenID Connect as a public client: authorization code with PKCE, refresh, logout. No effect but `fetcher`. */
import type { Config } from "./config.ts";

export type Provider = {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly end_session_endpoint?: string;
};
/** What has to be remembered between leaving for the login page and coming back. */
export type Attempt = { readonly state: string; readonly nonce: string; readonly verifier: string; readonly path: string };
export type Tokens = {
  readonly access: string;
  readonly refresh: string | undefined;
  readonly id: string;
  readonly name: string;
  /** Milliseconds on the clock of the page. */
  readonly until: number;
};
type Fetcher = typeof fetch;
type Client = { readonly config: Config; readonly provider: Provider; readonly fetcher: Fetcher; readonly now: () => number };

/** `refused`: the provider said no. `broken`: an answer that must not be trusted. `away`: it may work in a moment. */
export class LoginError extends Error {
  override readonly name = "LoginError";
  readonly kind: "refused" | "broken" | "away";
  constructor(kind: LoginError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export async function discover(issuer: string, fetcher: Fetcher): Promise<Provider> {
  const provider = (await getJson(fetcher, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)) as Provider;
  if (provider.issuer !== issuer) throw new LoginError("broken", "the login service calls itself by another name");
  return provider;
}

export function makeAttempt(path: string): Attempt {
  return { state: makeSecret(), nonce: makeSecret(), verifier: makeSecret(), path };
}

export async function toLoginUrl({ config, provider }: Pick<Client, "config" | "provider">, attempt: Attempt, redirect: string) {
  const url = new URL(provider.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: config.clientId,
    redirect_uri: redirect,
    scope: "openid",
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await toChallenge(attempt.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The code, after making sure that the answer belongs to the attempt. */
export function readCode(query: URLSearchParams, attempt: Attempt | undefined, issuer: string): string {
  if (attempt === undefined || query.get("state") !== attempt.state) throw new LoginError("broken", "this login was not begun here");
  if ((query.get("iss") ?? issuer) !== issuer) throw new LoginError("broken", "another service answered");
  const code = query.get("code");
  if (code === null) throw new LoginError("refused", query.get("error_description") ?? query.get("error") ?? "no code came back");
  return code;
}

export async function redeem(client: Client, code: string, attempt: Attempt, redirect: string): Promise<Tokens> {
  const tokens = await askTokens(client, {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirect,
    code_verifier: attempt.verifier,
  });
  if (readClaims(tokens.id).nonce !== attempt.nonce) throw new LoginError("broken", "the login answer is not for this attempt");
  return tokens;
}

export async function renew(client: Client, tokens: Tokens): Promise<Tokens> {
  if (tokens.refresh === undefined) throw new LoginError("refused", "the session has ended");
  return askTokens(client, { grant_type: "refresh_token", refresh_token: tokens.refresh }, tokens);
}

/** Undefined where the provider knows no logout. */
export function toLogoutUrl({ config, provider }: Pick<Client, "config" | "provider">, tokens: Tokens, back: string): string | undefined {
  if (provider.end_session_endpoint === undefined) return undefined;
  const url = new URL(provider.end_session_endpoint);
  const parameters = { id_token_hint: tokens.id, client_id: config.clientId, post_logout_redirect_uri: back };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

async function askTokens(client: Client, parameters: Readonly<Record<string, string>>, before?: Tokens): Promise<Tokens> {
  const { config, provider, fetcher, now } = client;
  const asked = now();
  const body = new URLSearchParams({ ...parameters, client_id: config.clientId });
  const answer = (await getJson(fetcher, provider.token_endpoint, body)) as Record<string, unknown>;
  const { access_token: access, refresh_token: refresh, id_token: id = before?.id, expires_in: seconds } = answer;
  if (typeof access !== "string" || typeof id !== "string") throw new LoginError("broken", "the login service gave no token");
  const claims = readClaims(id);
  const audience: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (claims.iss !== provider.issuer || !audience.includes(config.clientId))
    throw new LoginError("broken", "the token is for somebody else");
  const life = typeof seconds === "number" && seconds > 0 ? seconds : 60;
  const name = [claims.name, claims.preferred_username, claims.email].find((each) => typeof each === "string" && each !== "");
  return {
    access,
    id,
    refresh: typeof refresh === "string" ? refresh : before?.refresh,
    name: typeof name === "string" ? name : "",
    until: asked + life * 1000,
  };
}

/** Unverified on purpose: the token came straight from the provider over TLS. The API verifies what it gets. */
export function readClaims(token: string): Readonly<Record<string, unknown>> {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw new LoginError("broken", "the token cannot be read", { cause });
  }
}

async function getJson(fetcher: Fetcher, address: string, body?: URLSearchParams): Promise<unknown> {
  const request = { signal: AbortSignal.timeout(10_000), ...(body && { method: "POST", body }) };
  try {
    const response = await fetcher(address, request);
    if (response.ok) return await response.json();
    throw new LoginError(response.status >= 500 ? "away" : "refused", `the login service answered ${response.status}`);
  } catch (cause) {
    throw cause instanceof LoginError ? cause : new LoginError("away", "the login service does not answer", { cause });
  }
}

export async function toChallenge(verifier: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function makeSecret(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)));
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
