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

/** One for each secret of the client; the first that the issuer took comes first from then on. */
type Ways = { first: number; readonly all: readonly oidc.Configuration[] };

/** The issuer does not know the client by this secret. It looks at the code or the token only after that, so neither is spent. */
const isOtherSecret = (error: unknown): boolean =>
  error instanceof oidc.ResponseBodyError && ["invalid_client", "unauthorized_client"].includes(error.error);

const eitherWay = async <T>(ways: Ways, ask: (configuration: oidc.Configuration) => Promise<T>): Promise<T> => {
  const order = [ways.first, ...[...ways.all.keys()].filter((index) => index !== ways.first)];
  for (const [turn, index] of order.entries()) {
    try {
      const answer = await ask(ways.all[index] as oidc.Configuration);
      ways.first = index;
      return answer;
    } catch (error) {
      if (!isOtherSecret(error) || turn === order.length - 1) throw error;
    }
  }
  throw new Error("an issuer has no client");
};

const redeem =
  (ways: Ways): Provider["redeem"] =>
  (answer, { state, nonce, verifier }) =>
    told(
      eitherWay(ways, (configuration) =>
        oidc.authorizationCodeGrant(configuration, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        }),
      ),
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

const authentications = (secrets: readonly string[]): readonly oidc.ClientAuth[] =>
  secrets.length === 0 ? [oidc.None()] : secrets.map((secret) => oidc.ClientSecretPost(secret));

/** Reads the issuer's metadata. @throws Error where it does not answer or is not who it says */
export const openProvider = async ({ url, client = "croft-gate" }: Issuer, secrets: readonly string[]): Promise<Provider> => {
  const [authentication, ...others] = authentications(secrets);
  const configuration = await oidc.discovery(new URL(url), client, undefined, authentication, { timeout: TIMEOUT_S });
  const alike = others.map((other) => {
    const another = new oidc.Configuration(configuration.serverMetadata(), client, undefined, other);
    another.timeout = TIMEOUT_S;
    return another;
  });
  const ways: Ways = { first: 0, all: [configuration, ...alike] };
  const keysUri = configuration.serverMetadata().jwks_uri;
  if (keysUri === undefined) throw new Error(`${url} names no keys`);
  return {
    keysUri,
    loginUrl: loginUrl(configuration),
    redeem: redeem(ways),
    refresh: (token) => told(eitherWay(ways, (way) => oidc.refreshTokenGrant(way, token))),
    revoke: async (token) => {
      if (configuration.serverMetadata().revocation_endpoint === undefined) return;
      await eitherWay(ways, (way) => oidc.tokenRevocation(way, token, { token_type_hint: "refresh_token" }));
    },
    logoutUrl: logoutUrl(configuration),
  };
};
