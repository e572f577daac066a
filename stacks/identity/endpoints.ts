/** What apps and the gateway get of the identity service. Pure. */
import type { Endpoint, PublishInput, PublishedPlace, Versions } from "../../provisioner/model/contribution.ts";
import { previousTemplate } from "../../provisioner/model/rotation.ts";
import type { App, AppOidc, Model } from "../../provisioner/model/types.ts";
import type { ResourceId } from "../../provisioner/plan/resource.ts";
import { secretId } from "../../provisioner/secrets/resource.ts";
import { PORT, SERVICE, clientId, realmId, roleId, sessionClientOf, sessionSecretOf } from "./names.ts";
import type { Section } from "./section.ts";

const MIB = 1024 ** 2;
const PATIENCE_S = 60;

/** Hosts of an app on which the gateway signs people in. */
export const sessionHosts = (app: App): readonly string[] => [
  ...new Set(app.routes.filter(({ rules }) => rules?.auth?.mode === "session").map(({ host }) => host)),
];

/** Apps whose realm is here, with it. */
export const realmApps = (model: Model): readonly (readonly [App, AppOidc])[] =>
  model.apps.flatMap((app) => (app.oidc === undefined || app.oidc.issuer !== undefined ? [] : [[app, app.oidc] as const]));

const gatewayMachine = (model: Model): string | undefined => model.services["gateway"]?.machine;

/** What must be there before somebody can sign in to an app. */
const needsOf = (app: App, oidc: AppOidc): readonly ResourceId[] => [
  realmId(oidc.realm),
  ...oidc.roles.map((role) => roleId(oidc.realm, role)),
  ...oidc.clients.map(({ id }) => clientId(oidc.realm, id)),
  ...(sessionHosts(app).length === 0 ? [] : [clientId(oidc.realm, sessionClientOf(app.name)), secretId(sessionSecretOf(app.name))]),
];

const common = { name: "oidc", port: 443, protocol: "https" } as const;

const elsewhere = (app: App, oidc: AppOidc, issuer: string, machine: string): Endpoint => ({
  ...common,
  app: app.name,
  machine,
  properties: {
    issuer,
    audience: oidc.audience,
    realm: oidc.realm,
    ...(oidc.sessionClient === undefined ? {} : { sessionClient: oidc.sessionClient }),
  },
  secrets: [],
  needs: [],
});

const here = (versions: Versions, app: App, oidc: AppOidc, section: Section, machine: string): Endpoint => {
  const secret = sessionSecretOf(app.name);
  const sessions = sessionHosts(app).length > 0;
  return {
    ...common,
    app: app.name,
    machine,
    properties: {
      issuer: `https://${section.host}/realms/${oidc.realm}`,
      audience: oidc.audience,
      realm: oidc.realm,
      ...(sessions
        ? {
            sessionClient: sessionClientOf(app.name),
            sessionSecret: `{{secret ${secret}}}`,
            sessionSecretPrevious: previousTemplate(versions, secret),
          }
        : {}),
    },
    secrets: sessions ? [secret] : [],
    needs: needsOf(app, oidc),
  };
};

export const oidcEndpoints = ({ model, versions }: PublishInput, section: Section | undefined): readonly Endpoint[] => {
  const machine = gatewayMachine(model) ?? section?.machine;
  if (machine === undefined) return [];
  return model.apps.flatMap((app): readonly Endpoint[] => {
    if (app.oidc === undefined) return [];
    if (app.oidc.issuer !== undefined) return [elsewhere(app, app.oidc, app.oidc.issuer, machine)];
    return section === undefined ? [] : [here(versions, app, app.oidc, section, machine)];
  });
};

const place = (path: string, from: readonly string[] = []): PublishedPlace => ({ path, exact: false, methods: [], from, demands: [] });

/** Realms of apps for everybody, Keycloak's own realm and its console for operators; nothing else, so neither health nor metrics. */
export const serviceEndpoint = (model: Model, section: Section): Endpoint => {
  const operators = [...new Set([model.network, ...section.operators])];
  const realms = [...new Set(realmApps(model).map(([, { realm }]) => realm))];
  return {
    name: SERVICE,
    machine: section.machine,
    port: PORT,
    protocol: "http",
    properties: { url: `https://${section.host}`, host: section.host },
    secrets: [],
    needs: [],
    published: {
      host: section.host,
      places: [
        ...realms.map((realm) => place(`/realms/${realm}/`)),
        place("/resources/"),
        place("/admin/", operators),
        place("/realms/master/", operators),
      ],
      bodyMaxBytes: MIB,
      timeoutSeconds: PATIENCE_S,
    },
  };
};
