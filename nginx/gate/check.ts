/** The question nginx asks for each request of a route that demands somebody: who is it, and may they? */
import type { IncomingHttpHeaders } from "node:http";
import { SESSION_COOKIE, readCookie, withoutOwn, writeCookie } from "./cookies.ts";
import type { Issuers } from "./issuers.ts";
import { SESSION_SECONDS, readSession } from "./session.ts";
import type { Renewed, Session } from "./session.ts";
import type { GateSecrets, Policy } from "./settings.ts";
import type { Person } from "./tokens.ts";

/** 204: pass. 401: nobody signed in. 403: somebody without the role. 503: nobody can tell. */
export type Answer = {
  readonly status: 204 | 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason?: string;
};

export type CheckTools = {
  readonly issuers: Issuers;
  readonly secrets: GateSecrets;
  readonly renew: (issuer: string, session: Session) => Promise<Renewed>;
};

const bearerOf = (headers: IncomingHttpHeaders): string | undefined =>
  /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? "")?.[1];

const refused = (reason: string): Answer => ({
  status: 401,
  headers: { "WWW-Authenticate": 'Bearer realm="croft", error="invalid_token"' },
  reason,
});
const missing: Answer = { status: 401, headers: { "WWW-Authenticate": 'Bearer realm="croft"' }, reason: "nobody signed in" };
const down = (reason: string): Answer => ({ status: 503, headers: {}, reason });

const judge = (policy: Policy, { subject, roles, email }: Person, more: Readonly<Record<string, string>> = {}): Answer => {
  if (policy.role !== undefined && !roles.includes(policy.role)) {
    return { status: 403, headers: more, reason: `${subject} has not the role ${policy.role}` };
  }
  const headers = { "X-Auth-Subject": subject, "X-Auth-Roles": roles.join(","), ...(email === undefined ? {} : { "X-Auth-Email": email }) };
  return { status: 204, headers: { ...headers, ...more } };
};

/** How long nginx may answer the same question about the same token by itself: what is withdrawn counts for that much longer. */
const KEEP_S = 5;

/** Never beyond the token's own end. */
const keep = ({ expires }: Person): Readonly<Record<string, string>> => ({
  "X-Accel-Expires": String(Math.max(0, Math.min(KEEP_S, Math.floor(expires - Date.now() / 1000)))),
});

const checkBearer = async ({ issuers }: CheckTools, policy: Policy, headers: IncomingHttpHeaders): Promise<Answer> => {
  const token = bearerOf(headers);
  if (token === undefined) return headers.authorization === undefined ? missing : refused("not a bearer token");
  const verdict = await issuers.verify(policy.issuer, token);
  if (verdict.kind === "issuer-down") return down(verdict.reason);
  if (verdict.kind === "refused") return refused(verdict.reason);
  const answer = judge(policy, verdict.person);
  return answer.status === 204 ? { ...answer, headers: { ...answer.headers, ...keep(verdict.person) } } : answer;
};

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/** A browser adds the cookie to what other sites send, too: what changes something must come from this host. */
const isForged = (headers: IncomingHttpHeaders): boolean => {
  if (SAFE_METHODS.includes(String(headers["x-croft-method"]))) return false;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin";
  return headers.origin !== undefined && headers.origin !== `https://${headers.host}`;
};

const checkSession = async ({ secrets, renew }: CheckTools, policy: Policy, headers: IncomingHttpHeaders): Promise<Answer> => {
  const cookie = readCookie(headers.cookie, SESSION_COOKIE);
  const session = cookie === undefined ? undefined : await readSession(secrets, policy.issuer, cookie);
  if (session === undefined) return missing;
  if (isForged(headers)) return { status: 403, headers: {}, reason: "sent by another site" };
  const renewed = await renew(policy.issuer, session);
  if (renewed.kind === "issuer-down") return down(renewed.reason);
  if (renewed.kind === "refused") return { ...missing, reason: renewed.reason };
  const fresh = renewed.cookie === undefined ? {} : { "Set-Cookie": writeCookie(SESSION_COOKIE, renewed.cookie, SESSION_SECONDS) };
  return judge(policy, renewed.session.person, { "X-Croft-Cookie": withoutOwn(headers.cookie), ...fresh });
};

export const check = (tools: CheckTools, policy: Policy, headers: IncomingHttpHeaders): Promise<Answer> =>
  policy.mode === "jwt" ? checkBearer(tools, policy, headers) : checkSession(tools, policy, headers);
