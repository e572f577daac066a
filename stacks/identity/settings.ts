/** What realms and clients shall say, in Keycloak's own words. Pure. */
import type { JsonObject } from "../../provisioner/plan/resource.ts";
import type { ProviderName, Smtp } from "./section.ts";

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

/** Somebody who guesses waits; nobody can lock another out for ever. */
const BRUTE_FORCE = {
  bruteForceProtected: true,
  permanentLockout: false,
  failureFactor: 10,
  waitIncrementSeconds: MINUTE,
  maxFailureWaitSeconds: 15 * MINUTE,
  maxDeltaTimeSeconds: 12 * 60 * MINUTE,
  quickLoginCheckMilliSeconds: 1000,
  minimumQuickLoginWaitSeconds: MINUTE,
};

const TOKENS = {
  accessTokenLifespan: 5 * MINUTE,
  accessTokenLifespanForImplicitFlow: 5 * MINUTE,
  ssoSessionIdleTimeout: 30 * MINUTE,
  ssoSessionMaxLifespan: 10 * 60 * MINUTE,
  revokeRefreshToken: true,
  refreshTokenMaxReuse: 0,
};

const EVENTS = {
  eventsEnabled: true,
  eventsExpiration: 30 * DAY,
  adminEventsEnabled: true,
  adminEventsDetailsEnabled: false,
};

/** What every realm shares, Keycloak's own too. */
export const COMMON: JsonObject = {
  enabled: true,
  sslRequired: "external",
  registrationAllowed: false,
  editUsernameAllowed: false,
  duplicateEmailsAllowed: false,
  passwordPolicy: "length(12) and notUsername(undefined) and notEmail(undefined)",
  ...BRUTE_FORCE,
  ...TOKENS,
  ...EVENTS,
  attributes: { adminEventsExpiration: String(30 * DAY) },
};

const smtpSettings = (smtp: Smtp): JsonObject => ({
  host: smtp.host,
  port: String(smtp.port),
  from: smtp.from,
  ssl: String(smtp.security === "tls"),
  starttls: String(smtp.security === "starttls"),
  auth: String(smtp.user !== undefined),
  ...(smtp.user === undefined ? {} : { user: smtp.user }),
});

export const realmSettings = (smtp: Smtp | undefined): JsonObject => ({
  ...COMMON,
  loginWithEmailAllowed: true,
  verifyEmail: true,
  // A link in a mail is the only way that Keycloak offers.
  resetPasswordAllowed: smtp !== undefined,
  ...(smtp === undefined ? {} : { smtpServer: smtpSettings(smtp) }),
});

const CODE_FLOW_ALONE = {
  enabled: true,
  protocol: "openid-connect",
  standardFlowEnabled: true,
  implicitFlowEnabled: false,
  directAccessGrantsEnabled: false,
  serviceAccountsEnabled: false,
  consentRequired: false,
};

const sorted = (values: readonly string[]): readonly string[] => [...new Set(values)].toSorted();

const originsOf = (redirects: readonly string[]): readonly string[] => sorted(redirects.map((redirect) => new URL(redirect).origin));

/** A front end: it keeps no secret, so each sign-in proves itself with PKCE. */
export const publicClient = (redirects: readonly string[]): JsonObject => ({
  ...CODE_FLOW_ALONE,
  publicClient: true,
  redirectUris: sorted(redirects),
  webOrigins: originsOf(redirects),
  attributes: { "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+" },
});

const SESSION = "/_croft/session/callback";

/** The gateway's own client: it signs people in for hosts whose routes demand a session. */
export const sessionClient = (hosts: readonly string[]): JsonObject => ({
  ...CODE_FLOW_ALONE,
  publicClient: false,
  clientAuthenticatorType: "client-secret",
  redirectUris: sorted(hosts.map((host) => `https://${host}${SESSION}`)),
  webOrigins: [],
  attributes: {
    "pkce.code.challenge.method": "S256",
    "post.logout.redirect.uris": sorted(hosts.map((host) => `https://${host}/`)).join("##"),
  },
});

/** Everything a client of croft's adds to tokens by itself: the audience of its app, nothing else. */
export const audienceMapper = (audience: string): JsonObject => ({
  "croft-audience": {
    type: "oidc-audience-mapper",
    config: { "included.custom.audience": audience, "access.token.claim": "true", "id.token.claim": "false" },
  },
});

/** Whoever comes from there is known by mail and has no role until somebody gives one. */
export const providerSettings = (name: ProviderName, clientId: string): JsonObject => ({
  providerId: name,
  enabled: true,
  trustEmail: true,
  storeToken: false,
  linkOnly: false,
  config: { clientId, syncMode: "IMPORT" },
});
