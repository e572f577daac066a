/** Somebody's session: all of it lies sealed in one cookie, so that the gate remembers nothing and may restart. */
import { ProviderRefused } from "./provider.ts";
import type { Grant } from "./provider.ts";
import type { Issuers } from "./issuers.ts";
import type { GateSecrets } from "./settings.ts";
import { seal, unseal } from "./tokens.ts";
import type { Person, Verdict } from "./tokens.ts";

export type Session = { readonly person: Person; readonly refreshToken: string | undefined; readonly idToken: string | undefined };

/** Longest a browser may stay signed in without coming by. */
export const SESSION_SECONDS = 36_000;
/** Browsers drop cookies over 4096 bytes with their name and attributes. */
const COOKIE_BYTES = 3900;
const REMEMBER_MS = 30_000;
/** Renewed a little early, so that what is passed on does not end on the way. */
const EARLY_S = 10;

const PURPOSE = (issuer: string): string => `session/${issuer}`;

export const openKeys = ({ cookieKey, previousKey }: GateSecrets): readonly Uint8Array[] =>
  previousKey === undefined ? [cookieKey] : [cookieKey, previousKey];

/** The sign-out hint is left out where the cookie would be too long for a browser to keep. */
export const sealSession = async (secrets: GateSecrets, issuer: string, session: Session): Promise<string> => {
  const { person, refreshToken, idToken } = session;
  const whole = await seal(secrets.cookieKey, PURPOSE(issuer), { person, refreshToken, idToken }, SESSION_SECONDS);
  return whole.length <= COOKIE_BYTES ? whole : seal(secrets.cookieKey, PURPOSE(issuer), { person, refreshToken }, SESSION_SECONDS);
};

export const readSession = async (secrets: GateSecrets, issuer: string, cookie: string): Promise<Session | undefined> =>
  (await unseal(openKeys(secrets), PURPOSE(issuer), cookie)) as Session | undefined;

/** Tokens become a session only when the access token passes the same checks as a bearer's. */
export const toSession = async (issuers: Issuers, issuer: string, grant: Grant, before?: Session): Promise<Verdict | Session> => {
  const verdict = await issuers.verify(issuer, grant.accessToken);
  if (verdict.kind !== "person") return verdict;
  return {
    person: verdict.person,
    refreshToken: grant.refreshToken ?? before?.refreshToken,
    idToken: grant.idToken ?? before?.idToken,
  };
};

export const isSession = (value: Verdict | Session): value is Session => "person" in value && !("kind" in value);

export type Renewed =
  | { readonly kind: "session"; readonly session: Session; readonly cookie: string | undefined }
  | Exclude<Verdict, { kind: "person" }>;

const isFresh = (session: Session, now: number): boolean => session.person.expires - EARLY_S > now / 1000;

/**
 * Renews what is about to end. A page asks for many things at once, all with the same old cookie, while a refresh token
 * may serve only once: the first asks the issuer, the others get its answer.
 */
export const makeRenewal = (issuers: Issuers, secrets: GateSecrets) => {
  const answers = new Map<string, Promise<Renewed>>();
  const ask = async (issuer: string, session: Session, token: string): Promise<Renewed> => {
    try {
      const { provider } = await issuers.open(issuer);
      const renewed = await toSession(issuers, issuer, await provider.refresh(token), session);
      if (!isSession(renewed)) return renewed.kind === "person" ? { kind: "refused", reason: "no session" } : renewed;
      return { kind: "session", session: renewed, cookie: await sealSession(secrets, issuer, renewed) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: error instanceof ProviderRefused ? "refused" : "issuer-down", reason };
    }
  };
  return async (issuer: string, session: Session): Promise<Renewed> => {
    if (isFresh(session, Date.now())) return { kind: "session", session, cookie: undefined };
    const token = session.refreshToken;
    if (token === undefined) return { kind: "refused", reason: "the session has ended" };
    const key = `${issuer}\n${token}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = ask(issuer, session, token);
    answers.set(key, answer);
    const forget = (): boolean => answers.delete(key);
    // An issuer that was down is asked again at once; an answer serves its stragglers.
    void answer.then(({ kind }) => (kind === "issuer-down" ? forget() : setTimeout(forget, REMEMBER_MS).unref()));
    return answer;
  };
};
