/** Who may reach what, as `croft config` prints it: the other half of `build.ts`. */
import { formatDuration, formatSize } from "../model/sizes.ts";
import type { AppOidc, AppSmoke, Bucket, RouteRules } from "../model/types.ts";
import type { Plain } from "./tree.ts";

type Data = Readonly<Record<string, Plain | undefined>>;

/** A policy has been laid under its routes already. */
export const showRules = (rules: RouteRules = {}): Data => ({
  auth: rules.auth?.mode,
  role: rules.auth?.role,
  bodyMax: rules.bodyMaxBytes === undefined ? undefined : formatSize(rules.bodyMaxBytes),
  timeout: rules.timeoutSeconds === undefined ? undefined : formatDuration(rules.timeoutSeconds),
  rate: rules.rate === undefined ? undefined : `${rules.rate.requests}/${rules.rate.per}`,
  connections: rules.connections,
  cache: rules.cache,
  cors: rules.cors,
});

export const showOidc = (oidc: AppOidc): Data => ({
  realm: oidc.realm,
  issuer: oidc.issuer,
  audience: oidc.audience,
  rolesClaim: oidc.rolesClaim.join("."),
  roles: oidc.roles,
  sessionClient: oidc.sessionClient,
  clients: Object.fromEntries(oidc.clients.map(({ id, redirects }) => [id, { redirects }])),
  testUsers: Object.fromEntries(oidc.testUsers.map(({ name, roles }) => [name, { roles }])),
});

export const showSmoke = ({ module, user, origins }: AppSmoke, hostOf: (host: string) => string): Data => ({
  module,
  user,
  origins: Object.fromEntries(Object.entries(origins).map(([name, host]) => [name, hostOf(host)])),
});

export const showBucket = (bucket: Bucket): Plain => ({
  cors: bucket.cors,
  maxObject: formatSize(bucket.maxObjectBytes),
  upload: bucket.upload,
});
