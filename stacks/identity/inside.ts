/** What lies inside Keycloak: its own realm, and of each realm settings, roles, clients, providers and test users. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import type { DesireInput } from "../../provisioner/model/contribution.ts";
import { resourceId } from "../../provisioner/model/names.ts";
import type { App, AppOidc, Machine, Model } from "../../provisioner/model/types.ts";
import type { JsonObject, Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import { secretId, secretResource } from "../../provisioner/secrets/resource.ts";
import type { Rotates } from "../../provisioner/secrets/resource.ts";
import { realmApps, sessionHosts } from "./endpoints.ts";
import {
  ADMIN_CLIENT,
  ADMIN_ID,
  ADMIN_SECRET,
  MASTER,
  clientId,
  providerId,
  realmId,
  roleId,
  sessionClientOf,
  sessionSecretOf,
  userId,
  userSecretOf,
} from "./names.ts";
import type { Section } from "./section.ts";
import { COMMON, audienceMapper, providerSettings, publicClient, realmSettings, sessionClient } from "./settings.ts";

type Place = { readonly input: DesireInput; readonly section: Section; readonly machine: Machine };
type Realm = { readonly name: string; readonly apps: readonly (readonly [App, AppOidc])[] };

/** Everything lies in the database, on its disk: it goes and stays with it. */
const dataOf = (model: Model): readonly ResourceId[] => {
  const postgres = model.services["postgres"];
  return postgres === undefined ? [] : [resourceId("disk", `${postgres.machine}-${String(postgres["disk"])}`)];
};

type Part = { readonly id: ResourceId; readonly kind: string; readonly spec: JsonObject; readonly needs: readonly ResourceId[] };

const inside = ({ input, section, machine }: Place, part: Part, payload?: unknown): Resource => ({
  ...part,
  host: machine.host,
  spec: { machine: section.machine, address: input.address(section.machine), ...part.spec },
  ...(payload === undefined ? {} : { payload }),
  lostWith: dataOf(input.model),
  keptWith: dataOf(input.model),
});

const secretOf = ({ input, machine }: Place, name: string, rotates?: Rotates): Resource => ({
  ...secretResource({
    name,
    form: "password",
    versions: input.versions,
    host: input.model.hosts[0]?.name ?? machine.host,
    ...(rotates === undefined ? {} : { rotates }),
  }),
  keptWith: dataOf(input.model),
});

const adminResources = (place: Place): readonly Resource[] => [
  secretOf(place, ADMIN_SECRET),
  inside(place, {
    id: ADMIN_ID,
    kind: "identity-admin",
    spec: {
      client: ADMIN_CLIENT,
      secret: place.input.versions.of("secret", ADMIN_SECRET),
      temporary: [],
      passwordGrants: [],
      settings: COMMON,
    },
    needs: [resourceId("generation", place.section.machine), secretId(ADMIN_SECRET)],
  }),
];

const realmResource = (place: Place, { name }: Realm): Resource => ({
  ...inside(
    place,
    {
      id: realmId(name),
      kind: "identity-realm",
      spec: { realm: name, passwordGrants: [], settings: realmSettings(place.section.smtp) },
      needs: [ADMIN_ID],
    },
    { smtpPassword: place.section.smtp?.password },
  ),
  // People who signed up live in it.
  data: true,
});

const roleResources = (place: Place, { name, apps }: Realm): readonly Resource[] =>
  [...new Set(apps.flatMap(([, { roles }]) => roles))].map((role) =>
    inside(place, { id: roleId(name, role), kind: "identity-role", spec: { realm: name, role, composite: false }, needs: [realmId(name)] }),
  );

const publicClients = (place: Place, { name, apps }: Realm): readonly Resource[] =>
  apps.flatMap(([, oidc]) =>
    oidc.clients.map(({ id, redirects }) =>
      inside(place, {
        id: clientId(name, id),
        kind: "identity-client",
        spec: { realm: name, client: id, settings: publicClient(redirects), mappers: audienceMapper(oidc.audience) },
        needs: [realmId(name)],
      }),
    ),
  );

const sessionClients = (place: Place, { name, apps }: Realm): readonly Resource[] =>
  apps.flatMap(([app, oidc]): readonly Resource[] => {
    const hosts = sessionHosts(app);
    if (hosts.length === 0) return [];
    const secret = sessionSecretOf(app.name);
    // Keycloak knows one, the gate tries both: it gets the new one first, and gives up the old one last.
    const used = `${secret} used`;
    const client = sessionClientOf(app.name);
    const spec = {
      realm: name,
      client,
      settings: sessionClient(hosts),
      mappers: audienceMapper(oidc.audience),
      secret: place.input.versions.of("secret", used),
    };
    const part = { id: clientId(name, client), kind: "identity-client", spec, needs: [realmId(name), secretId(secret)] };
    return [secretOf(place, secret, { kind: "oidc", app: app.name, part: "session" }), inside(place, part, { secret: used })];
  });

const providerResources = (place: Place, { name }: Realm): readonly Resource[] =>
  place.section.providers.map((provider) =>
    inside(
      place,
      {
        id: providerId(name, provider.name),
        kind: "identity-provider",
        spec: { realm: name, alias: provider.name, settings: providerSettings(provider.name, provider.clientId) },
        needs: [realmId(name)],
      },
      { secret: provider.secret },
    ),
  );

/** Front ends show it. */
const toCapital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** People with a password that croft knows, for tests: never in production. */
const testUsers = (place: Place, { name, apps }: Realm): readonly Resource[] => {
  const { model, versions } = place.input;
  if (model.mode !== "development") return [];
  return apps.flatMap(([, oidc]) =>
    oidc.testUsers.flatMap((user): readonly Resource[] => {
      const secret = userSecretOf(name, user.name);
      const spec = {
        realm: name,
        user: user.name,
        settings: {
          enabled: true,
          emailVerified: true,
          email: `${user.name}@${model.domain}`,
          firstName: toCapital(user.name),
          lastName: "Test",
        },
        roles: user.roles.toSorted(),
        password: versions.of("secret", secret),
      };
      const needs = [realmId(name), secretId(secret), ...user.roles.map((role) => roleId(name, role))];
      return [secretOf(place, secret), inside(place, { id: userId(name, user.name), kind: "identity-user", spec, needs }, { secret })];
    }),
  );
};

/** Apps may share a realm; what both would make there under one name is refused. */
const realmsOf = (model: Model): readonly Realm[] => {
  const grouped = Map.groupBy(realmApps(model), ([, { realm }]) => realm);
  return [...grouped].map(([name, apps]) => ({ name, apps }));
};

const refuse = (model: Model, resources: readonly Resource[]): void => {
  if (realmApps(model).some(([, { realm }]) => realm === MASTER)) {
    throw new CroftError("CONFIG_INVALID", "the realm `master` is Keycloak's own; no app can have it", { hint: "choose another `realm`" });
  }
  const ids = resources.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    throw new CroftError("CONFIG_INVALID", `two apps of one realm both want ${twice}`, { hint: "rename one of them" });
};

export const insideResources = (input: DesireInput, section: Section, machine: Machine): readonly Resource[] => {
  const place = { input, section, machine };
  const makers = [roleResources, publicClients, sessionClients, providerResources, testUsers];
  const realms = realmsOf(input.model).flatMap((realm) => [realmResource(place, realm), ...makers.flatMap((make) => make(place, realm))]);
  const all = [...adminResources(place), ...realms];
  refuse(input.model, all);
  return all;
};
