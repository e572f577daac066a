/** An issuer as its metadata describes it, and signing in there by code and PKCE: the door of openid-client. */
import * as oidc from "openid-client";
import type { Issuer } from "./settings.ts";

/** Tokens of somebody who signed in. */
export type Grant = { readonly accessToken: string; readonly refreshToken: string | undefined; readonly idToken: string | undefined };

export type Attempt = { readonly state: string; readonly nonce: string; readonly verifier: string };

export type Provider = {
  readonly keysUri: string;
  readonly loginUrl: (callback: string, attempt: Attempt) => Promise<string>;
  /** @throws ProviderRefused where the answer or the code is not good, anything else where nobody answers */
  readonly redeem: (answer: URL, attempt: Attempt) => Promise<Grant>;
  /** @throws the same */
  readonly refresh: (refreshToken: string) => Promise<Grant>;
  readonly revoke: (refreshToken: string) => Promise<void>;
  /** Where the browser goes to sign out there too; undefined: the issuer has no such page. */
  readonly logoutUrl: (back: string, idToken: string | undefined) => string | undefined;
};

/** The issuer answered, and said no. */
export class ProviderRefused extends Error {
  override readonly name = "ProviderRefused";
}

const TIMEOUT_S = 5;
const SCOPE = "openid profile email";

export const makeAttempt = (): Attempt => ({
  state: oidc.randomState(),
  nonce: oidc.randomNonce(),
  verifier: oidc.randomPKCECodeVerifier(),
});

const saysNo = (error: unknown): boolean =>
  error instanceof oidc.ResponseBodyError ||
  error instanceof oidc.AuthorizationResponseError ||
  (error instanceof oidc.ClientError && error.code !== "OAUTH_TIMEOUT" && error.code !== undefined && error.code !== "OAUTH_ABORT");

const told = async (work: Promise<oidc.TokenEndpointResponse>): Promise<Grant> => {
  const tokens = await work.catch((error: unknown) => {
    throw saysNo(error) ? new ProviderRefused(error instanceof Error ? error.message : String(error), { cause: error }) : error;
  });
  return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token, idToken: tokens.id_token };
};

const loginUrl =
  (configuration: oidc.Configuration): Provider["loginUrl"] =>
  async (callback, { state, nonce, verifier }) =>
    oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: callback,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).href;

const redeem =
  (configuration: oidc.Configuration): Provider["redeem"] =>
  (answer, { state, nonce, verifier }) =>
    told(
      oidc.authorizationCodeGrant(configuration, answer, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      }),
    );

const logoutUrl =
  (configuration: oidc.Configuration): Provider["logoutUrl"] =>
  (back, idToken) =>
    configuration.serverMetadata().end_session_endpoint === undefined
      ? undefined
      : oidc.buildEndSessionUrl(configuration, {
          post_logout_redirect_uri: back,
          ...(idToken === undefined ? {} : { id_token_hint: idToken }),
        }).href;

/** Reads the issuer's metadata. @throws Error where it does not answer or is not who it says */
export const openProvider = async ({ url, client = "croft-gate" }: Issuer, secret: string | undefined): Promise<Provider> => {
  const authentication = secret === undefined ? oidc.None() : oidc.ClientSecretPost(secret);
  const configuration = await oidc.discovery(new URL(url), client, undefined, authentication, { timeout: TIMEOUT_S });
  const keysUri = configuration.serverMetadata().jwks_uri;
  if (keysUri === undefined) throw new Error(`${url} names no keys`);
  return {
    keysUri,
    loginUrl: loginUrl(configuration),
    redeem: redeem(configuration),
    refresh: (token) => told(oidc.refreshTokenGrant(configuration, token)),
    revoke: async (token) => {
      if (configuration.serverMetadata().revocation_endpoint === undefined) return;
      await oidc.tokenRevocation(configuration, token, { token_type_hint: "refresh_token" });
    },
    logoutUrl: logoutUrl(configuration),
  };
};
