/** Who signs people in, and where they may be sent: stricter where a site is in production. */
import type { Finding } from "../problem.ts";
import { backticked, quoted, type Span } from "../text.ts";
import { entriesOf, entryAt, itemsOf, nodeAt, spanInside, wordAt, type Node, type ScalarNode } from "../tree.ts";
import { ruledOf } from "./access.ts";
import { findRepeated } from "./unique.ts";
import { appsOf, type AppView, type Check, type View } from "./view.ts";

/** Keycloak's own in every realm. */
const OWN_CLIENTS = ["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"];
const OWN_ROLES = ["offline_access", "uma_authorization"];
const OWN_REALM = "master";

const DEVELOPMENT = "development";

/** Where `mode` stands; what is not said is production. */
const productionOf = (view: View): { readonly related: NonNullable<Finding["related"]> } | undefined => {
  const mode = wordAt(view.root, "mode");
  if (mode?.text === DEVELOPMENT) return undefined;
  return { related: mode === undefined ? [] : [{ span: mode.node.span, label: "this site is in production" }] };
};

const checkTestUsers: Check = (view) => {
  const production = productionOf(view);
  if (production === undefined) return [];
  return appsOf(view).flatMap(({ node }): readonly Finding[] => {
    const entry = entryAt(node, ["oidc", "testUsers"]);
    if (entry === undefined || entriesOf(entry.value).length === 0) return [];
    const help = "write `mode: development`, or put them into an environment of that mode";
    return [{ code: "E0140", message: "people for tests are never made in production", span: entry.keySpan, help, ...production }];
  });
};

const redirectsOf = (app: AppView): readonly ScalarNode[] =>
  entriesOf(nodeAt(app.node, ["oidc", "clients"])).flatMap(({ value }) =>
    itemsOf(nodeAt(value, ["redirects"])).flatMap((item) => (item.kind === "scalar" && typeof item.value === "string" ? [item] : [])),
  );

const redirectProblem = (text: string): string | undefined => {
  if (text.startsWith("http:")) return "in production people are sent back to https:// only";
  return text.endsWith("*") ? "in production a place to go back to is exact, without `*`" : undefined;
};

/** Whoever can put a page anywhere below a `*` gets the codes of everybody who signs in. */
const checkRedirects: Check = (view) => {
  const production = productionOf(view);
  if (production === undefined) return [];
  return appsOf(view)
    .flatMap(redirectsOf)
    .flatMap((node): readonly Finding[] => {
      const message = redirectProblem(String(node.value));
      const help = "list each address; `mode: development` allows both";
      const span = spanInside(node, 0, String(node.value).length);
      return message === undefined ? [] : [{ code: "E0129", message, span, help, ...production }];
    });
};

const textsOf = (node: Node | undefined): readonly ScalarNode[] =>
  itemsOf(node).flatMap((item) => (item.kind === "scalar" && typeof item.value === "string" ? [item] : []));

const own = (what: string, name: string, span: Span): Finding => ({
  code: "E0124",
  message: `${what} ${backticked(name)} is Keycloak's own`,
  span,
  help: "choose another name",
});

/** Only where realms are croft's: a provider elsewhere has names of its own. */
const checkOwnNames: Check = (view) =>
  appsOf(view).flatMap(({ name, entry, node }): readonly Finding[] => {
    const oidc = nodeAt(node, ["oidc"]);
    if (oidc === undefined || nodeAt(oidc, ["issuer"]) !== undefined) return [];
    const realm = wordAt(oidc, "realm");
    const realmName = realm?.text ?? name;
    return [
      ...(realmName === OWN_REALM ? [own("realm", realmName, realm?.node.span ?? entry.keySpan)] : []),
      ...entriesOf(nodeAt(oidc, ["clients"])).flatMap(({ key, keySpan }) =>
        OWN_CLIENTS.includes(key) ? [own("client", key, keySpan)] : [],
      ),
      ...textsOf(nodeAt(oidc, ["roles"])).flatMap((item) =>
        [...OWN_ROLES, `default-roles-${realmName}`].includes(String(item.value)) ? [own("role", String(item.value), item.span)] : [],
      ),
    ];
  });

/** Apps may share a realm, but not a client or somebody in it; `APP-gateway` is how the gateway signs people in. */
const checkShared =
  (key: "clients" | "testUsers", what: string): Check =>
  (view) => {
    const claims = appsOf(view).flatMap(({ name, node }) => {
      const oidc = nodeAt(node, ["oidc"]);
      if (oidc === undefined || nodeAt(oidc, ["issuer"]) !== undefined) return [];
      const realm = wordAt(oidc, "realm")?.text ?? name;
      return entriesOf(nodeAt(oidc, [key])).map((entry) => ({
        key: `${realm}/${entry.key}`,
        span: entry.keySpan,
        label: `first defined by app ${quoted(name)}`,
      }));
    });
    return findRepeated(claims, ({ key: place }) => {
      const [realm = "", id = ""] = place.split("/");
      return {
        code: "E0131",
        message: `two apps both want ${what} ${quoted(id)} in realm ${quoted(realm)}`,
        help: "rename one of the two",
      };
    });
  };

const checkGatewayClients: Check = (view) => {
  const taken = new Map(appsOf(view).map(({ name, entry }) => [`${name}-gateway`, { name, span: entry.keySpan }]));
  return appsOf(view).flatMap(({ node }) =>
    entriesOf(nodeAt(node, ["oidc", "clients"])).flatMap(({ key, keySpan }): readonly Finding[] => {
      const owner = taken.get(key);
      if (owner === undefined) return [];
      const related = [{ span: owner.span, label: `the gateway signs people in to app ${quoted(owner.name)} by that name` }];
      return [
        { code: "E0131", message: `client ${quoted(key)} is the gateway's own`, span: keySpan, help: "choose another name", related },
      ];
    }),
  );
};

/** `sessionClient` is for a provider elsewhere, which demands it where the gateway signs people in. */
const checkSessionClient: Check = (view) =>
  appsOf(view).flatMap(({ node }): readonly Finding[] => {
    const entry = entryAt(node, ["oidc", "sessionClient"]);
    if (entry === undefined || nodeAt(node, ["oidc", "issuer"]) !== undefined) return [];
    const message = "`sessionClient` is for an `issuer` elsewhere: in the identity service croft makes the gateway's client itself";
    return [{ code: "E0140", severity: "warning", message, span: entry.keySpan }];
  });

/** Without a client of its own the gateway cannot sign anybody in elsewhere. */
const checkSessions: Check = (view) =>
  ruledOf(view).flatMap(({ app, node }): readonly Finding[] => {
    const auth = wordAt(node, "auth");
    const issuer = wordAt(app.node, "oidc", "issuer");
    if (auth?.text !== "session" || issuer === undefined || nodeAt(app.node, ["oidc", "sessionClient"]) !== undefined) return [];
    const message = "`auth: session` at a provider elsewhere needs the gateway's client there";
    const related = [{ span: issuer.node.span, label: "the provider" }];
    return [{ code: "E0104", message, span: auth.node.span, help: "add `sessionClient` to `oidc`", related }];
  });

export const checkSignIn: Check = (view) =>
  [
    checkTestUsers,
    checkRedirects,
    checkOwnNames,
    checkShared("clients", "client"),
    checkShared("testUsers", "test user"),
    checkGatewayClients,
    checkSessionClient,
    checkSessions,
  ].flatMap((check) => check(view));
