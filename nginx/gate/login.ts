/** Signing in and out in a browser, below `/_croft/session/` of a host whose routes demand a session. */
import { LOGIN_COOKIE, SESSION_COOKIE, readCookie, safeReturn, writeCookie } from "./cookies.ts";
import type { CheckTools } from "./check.ts";
import { ProviderRefused, makeAttempt } from "./provider.ts";
import type { Attempt } from "./provider.ts";
import { SESSION_SECONDS, isSession, openKeys, readSession, sealSession, toSession } from "./session.ts";
import { seal, unseal } from "./tokens.ts";

/** A page, or where the browser goes next. */
export type Step = { readonly status: 302 | 400 | 503; readonly to?: string; readonly text?: string; readonly cookies: readonly string[] };

export type Visit = { readonly host: string; readonly url: URL; readonly cookie: string | undefined; readonly issuer: string };

export const SESSION_PATH = "/_croft/session";
const LOGIN_SECONDS = 600;

const callbackOf = (host: string): string => `https://${host}${SESSION_PATH}/callback`;
const purpose = (issuer: string): string => `login/${issuer}`;
const issuerDown: Step = { status: 503, text: "Signing in is not possible right now. Please try again.", cookies: [] };

export const login = async (tools: CheckTools, { host, url, issuer }: Visit): Promise<Step> => {
  const opened = await tools.issuers.open(issuer).catch(() => undefined);
  if (opened === undefined) return issuerDown;
  const attempt = makeAttempt();
  // nginx passes on what was asked as it stands, so it is all that follows and is not decoded.
  const to = safeReturn(url.search.startsWith("?to=") ? url.search.slice(4) : undefined);
  const sealed = await seal(tools.secrets.cookieKey, purpose(issuer), { ...attempt, to }, LOGIN_SECONDS);
  return {
    status: 302,
    to: await opened.provider.loginUrl(callbackOf(host), attempt),
    cookies: [writeCookie(LOGIN_COOKIE, sealed, LOGIN_SECONDS)],
  };
};

const again = (text: string): Step => ({ status: 400, text, cookies: [writeCookie(LOGIN_COOKIE, "", 0)] });

/** The browser is back with a code: it counts only together with the cookie of the attempt that asked for it. */
export const callback = async (tools: CheckTools, { host, url, cookie, issuer }: Visit): Promise<Step> => {
  const sealed = readCookie(cookie, LOGIN_COOKIE);
  const attempt = sealed === undefined ? undefined : await unseal(openKeys(tools.secrets), purpose(issuer), sealed);
  if (attempt === undefined) return again("This sign-in was not started here, or took too long. Please start again.");
  try {
    const { provider } = await tools.issuers.open(issuer);
    const answer = new URL(`${callbackOf(host)}${url.search}`);
    const session = await toSession(tools.issuers, issuer, await provider.redeem(answer, attempt as Attempt));
    if (!isSession(session))
      return session.kind === "issuer-down" ? issuerDown : again("The sign-in was not accepted. Please start again.");
    const value = await sealSession(tools.secrets, issuer, session);
    return {
      status: 302,
      to: safeReturn(String(attempt["to"])),
      cookies: [writeCookie(SESSION_COOKIE, value, SESSION_SECONDS), writeCookie(LOGIN_COOKIE, "", 0)],
    };
  } catch (error) {
    return error instanceof ProviderRefused ? again("The sign-in was not accepted. Please start again.") : issuerDown;
  }
};

/** Ends the session here at once, and at the issuer as far as it can be reached. */
export const logout = async (tools: CheckTools, { host, cookie, issuer }: Visit): Promise<Step> => {
  const cookies = [writeCookie(SESSION_COOKIE, "", 0)];
  const back = `https://${host}/`;
  const sealed = readCookie(cookie, SESSION_COOKIE);
  const session = sealed === undefined ? undefined : await readSession(tools.secrets, issuer, sealed);
  const opened = await tools.issuers.open(issuer).catch(() => undefined);
  if (opened === undefined || session === undefined) return { status: 302, to: back, cookies };
  if (session.refreshToken !== undefined) await opened.provider.revoke(session.refreshToken).catch(() => undefined);
  return { status: 302, to: opened.provider.logoutUrl(back, session.idToken) ?? back, cookies };
};
