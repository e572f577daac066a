/** Signed tokens of issuers, and sealed cookies of our own: the door of jose. */
import { EncryptJWT, createRemoteJWKSet, errors, jwtDecrypt, jwtVerify } from "jose";
import type { JWTPayload } from "jose";
import type { Issuer } from "./settings.ts";

export type Person = {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly email: string | undefined;
  /** Seconds since 1970. */
  readonly expires: number;
};

/** `refused`: the token is not good. `issuer-down`: nobody can tell. */
export type Verdict =
  | { readonly kind: "person"; readonly person: Person }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "issuer-down"; readonly reason: string };

/** Never `none`, never a shared secret: only who holds the issuer's private key can sign. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const CLOCK_TOLERANCE_S = 5;
const KEYS_MAX_AGE_MS = 60_000;
const KEYS_COOLDOWN_MS = 2000;
const KEYS_TIMEOUT_MS = 3000;

/** The issuer's keys: fetched when first needed, again each minute and, at most every two seconds, for a key not seen before. */
export const makeKeys = (uri: string) =>
  createRemoteJWKSet(new URL(uri), { cacheMaxAge: KEYS_MAX_AGE_MS, cooldownDuration: KEYS_COOLDOWN_MS, timeoutDuration: KEYS_TIMEOUT_MS });

export type Keys = ReturnType<typeof makeKeys>;

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inside, key) => (typeof inside === "object" && inside !== null ? Reflect.get(inside, key) : undefined), value);

/** Only plain names become roles: they travel in one header, separated by commas. */
const toRoles = (claim: unknown): readonly string[] =>
  (Array.isArray(claim) ? claim : []).filter((role): role is string => typeof role === "string" && /^[A-Za-z0-9_.:-]{1,128}$/.test(role));

const toPerson = (payload: JWTPayload, issuer: Issuer): Person => ({
  subject: payload.sub ?? "",
  roles: toRoles(at(payload, issuer.rolesClaim)),
  email: typeof payload["email"] === "string" && /^[\x21-\x7e]{3,254}$/.test(payload["email"]) ? payload["email"] : undefined,
  expires: payload.exp ?? 0,
});

/** What an issuer hands out for other uses than this one. */
const OTHER_TYPES = ["ID", "Refresh", "Offline", "Logout"];

const isTokenFault = (error: unknown): error is errors.JOSEError =>
  error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && !(error instanceof errors.JWKSInvalid);

const judge = (error: unknown): Verdict => {
  const reason = error instanceof Error ? error.message : String(error);
  // jose tells an answer other than 200 from the key set with its plain base class.
  const fetched = error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC";
  return isTokenFault(error) && !fetched ? { kind: "refused", reason } : { kind: "issuer-down", reason };
};

/** Verifies signature, issuer, audience, times and kind. */
export const verifyToken = async (token: string, issuer: Issuer, keys: Keys): Promise<Verdict> => {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuer.url,
      audience: issuer.audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ["exp", "sub"],
    });
    if (OTHER_TYPES.includes(String(payload["typ"]))) return { kind: "refused", reason: "this is no access token" };
    return { kind: "person", person: toPerson(payload, issuer) };
  } catch (error) {
    return judge(error);
  }
};

const SEAL = { alg: "dir", enc: "A256GCM" } as const;

/** @returns text for a cookie that only `key` opens; `purpose` keeps cookies of one use from serving another */
export const seal = (key: Uint8Array, purpose: string, content: Readonly<Record<string, unknown>>, seconds: number): Promise<string> =>
  new EncryptJWT({ ...content }).setProtectedHeader(SEAL).setAudience(purpose).setExpirationTime(`${seconds}s`).encrypt(key);

/** @returns undefined where no key opens it, it is too old or was made for something else */
export const unseal = async (
  keys: readonly Uint8Array[],
  purpose: string,
  text: string,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  for (const key of keys) {
    const opened = await jwtDecrypt(text, key, {
      audience: purpose,
      keyManagementAlgorithms: [SEAL.alg],
      contentEncryptionAlgorithms: [SEAL.enc],
    }).catch(() => undefined);
    if (opened !== undefined) return opened.payload;
  }
  return undefined;
};
