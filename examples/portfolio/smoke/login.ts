/** A person's login without a browser: authorization code with PKCE, through the login page's own form. */

/** As `fetch`, but never follows a redirect; the caller decides how names are reached and certificates checked. */
export type Fetcher = (address: string, request: Request) => Promise<Response>;
type Request = { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string | Uint8Array };

export type Account = {
  readonly issuer: string;
  readonly clientId: string;
  /** An address the client may be sent back to; it is not asked for anything. */
  readonly redirect: string;
  readonly username: string;
  readonly password: string;
};
export type Form = { readonly action: string; readonly fields: Readonly<Record<string, string>> };

const MOST_REDIRECTS = 10;
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const random = (): string => encode(crypto.getRandomValues(new Uint8Array(32)));

/** An access token. Throws with a sentence where the login does not go through. */
export async function login(fetcher: Fetcher, account: Account): Promise<string> {
  const { authorization_endpoint: start, token_endpoint: end } = await discover(fetcher, account.issuer);
  const [state, nonce, verifier] = [random(), random(), random()];
  const challenge = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  const url = new URL(start);
  for (const [name, value] of Object.entries({
    response_type: "code",
    client_id: account.clientId,
    redirect_uri: account.redirect,
    scope: "openid",
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
  }))
    url.searchParams.set(name, value);
  const back = await passForm(fetcher, url.href, account);
  if (back.searchParams.get("state") !== state) throw new Error("the login came back with another state");
  const code = back.searchParams.get("code") ?? fail(`no code came back: ${back.searchParams.get("error") ?? "nothing said why"}`);
  const grant = {
    grant_type: "authorization_code",
    code,
    redirect_uri: account.redirect,
    client_id: account.clientId,
    code_verifier: verifier,
  };
  const response = await fetcher(end, post(grant, {}));
  if (response.status !== 200) fail(`the token endpoint answered ${response.status}`);
  const { access_token: token } = (await response.json()) as { access_token?: unknown };
  return typeof token === "string" ? token : fail("the token endpoint gave no access token");
}

type Endpoints = { readonly authorization_endpoint: string; readonly token_endpoint: string };

/** Where an issuer describes itself. A slash at its end belongs to its name, and is not doubled. */
export const toMetadataAddress = (issuer: string): string => `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;

async function discover(fetcher: Fetcher, issuer: string): Promise<Endpoints> {
  const response = await fetcher(toMetadataAddress(issuer), { method: "GET", headers: {} });
  if (response.status !== 200) fail(`the login service answered ${response.status}`);
  const found = (await response.json()) as Endpoints & { readonly issuer: string };
  return found.issuer === issuer ? found : fail(`the login service calls itself ${found.issuer}`);
}

/** From the login page to the address it sends back to. */
async function passForm(fetcher: Fetcher, start: string, account: Account): Promise<URL> {
  const cookies = new Map<string, string>();
  const page = await walk(fetcher, start, { method: "GET", headers: {} }, cookies, account.redirect);
  if (page instanceof URL) return page;
  const form = readForm(page.html) ?? fail("the login page has no form");
  const fields = { ...form.fields, username: account.username, password: account.password };
  const result = await walk(fetcher, new URL(form.action, page.address).href, post(fields, {}), cookies, account.redirect);
  return result instanceof URL ? result : fail("the login was refused, or the account has something to do first");
}

type Shown = { readonly address: string; readonly html: string };

/** Follows redirects with cookies, until a page shows or the way leads back. */
async function walk(fetcher: Fetcher, start: string, first: Request, cookies: Map<string, string>, back: string): Promise<URL | Shown> {
  let [address, request] = [start, first];
  for (let hops = 0; hops < MOST_REDIRECTS; hops += 1) {
    const response = await fetcher(address, { ...request, headers: { ...request.headers, ...toCookieHeader(cookies) } });
    for (const cookie of response.headers.getSetCookie()) keepCookie(cookies, cookie);
    const html = await response.text();
    if (response.status === 200) return { address, html };
    const location = response.headers.get("location");
    if (response.status < 301 || response.status > 308 || location === null) fail(`the login page answered ${response.status}`);
    const next = new URL(location ?? "", address);
    if (next.href.startsWith(back)) return next;
    [address, request] = [next.href, { method: "GET", headers: {} }];
  }
  return fail("the login goes round in circles");
}

function post(fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>): Request {
  const body = new URLSearchParams(fields).toString();
  return { method: "POST", headers: { ...headers, "Content-Type": "application/x-www-form-urlencoded" }, body };
}

/** All of them: the login has one host, and its cookies differ in path alone. */
function toCookieHeader(cookies: ReadonlyMap<string, string>): Record<string, string> {
  return cookies.size === 0 ? {} : { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
}

export function keepCookie(cookies: Map<string, string>, text: string): void {
  const [, name = "", value = ""] = /^\s*([^=;]+)=([^;]*)/.exec(text) ?? [];
  if (/;\s*max-age=0\b/i.test(text) || value === "") cookies.delete(name);
  else cookies.set(name, value);
}

/** The first form that is sent by POST, with its hidden fields. */
export function readForm(page: string): Form | undefined {
  for (const [, tag = "", inside = ""] of page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const action = readAttribute(tag, "action");
    if (action === undefined || readAttribute(tag, "method")?.toLowerCase() !== "post") continue;
    const hidden = [...inside.matchAll(/<input\b([^>]*)>/gis)].filter(([, input = ""]) => readAttribute(input, "type") === "hidden");
    const fields = hidden.map(([, input = ""]) => [readAttribute(input, "name") ?? "", readAttribute(input, "value") ?? ""]);
    return { action, fields: Object.fromEntries(fields.filter(([name]) => name !== "")) };
  }
  return undefined;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  quot: '"',
  lt: "<",
  gt: ">",
  "#39": "'",
  "#x27": "'",
  "#61": "=",
  "#x2F": "/",
};

function readAttribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "i").exec(tag);
  return (value?.[1] ?? value?.[2])?.replace(/&(#?\w+);/g, (entity, code: string) => ENTITIES[code] ?? entity);
}

function fail(problem: string): never {
  throw new Error(problem);
}
