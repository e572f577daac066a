/** Who may pass: policies and roles that are there, a provider for routes that ask for one. */
import type { Finding } from "../problem.ts";
import { quoted } from "../text.ts";
import { entriesOf, itemsOf, nodeAt, wordAt, type Node } from "../tree.ts";
import { appsOf, checkReference, routesOf, section, type Check, type View } from "./view.ts";

const checkPolicies: Check = (view) =>
  routesOf(view).flatMap(({ app, node }) =>
    checkReference(
      wordAt(node, "policy"),
      entriesOf(nodeAt(app.node, ["policies"])).map(({ key }) => key),
      (name) => `app ${quoted(app.name)} has no policy ${name}`,
    ),
  );

type Ruled = { readonly app: { readonly name: string; readonly node: Node }; readonly node: Node };

/** Everything that may hold rules: routes and policies. */
export const ruledOf = (view: View): readonly Ruled[] => [
  ...routesOf(view),
  ...appsOf(view).flatMap((app) => entriesOf(nodeAt(app.node, ["policies"])).map(({ value }) => ({ app, node: value }))),
];

const rolesOf = (app: Node): readonly string[] =>
  itemsOf(nodeAt(app, ["oidc", "roles"])).flatMap((item) => (item.kind === "scalar" && typeof item.value === "string" ? [item.value] : []));

const checkRoles: Check = (view) => [
  ...ruledOf(view).flatMap(({ app, node }) =>
    nodeAt(app.node, ["oidc"]) === undefined
      ? []
      : checkReference(wordAt(node, "role"), rolesOf(app.node), (name) => `app ${quoted(app.name)} has no role ${name}`),
  ),
  ...appsOf(view).flatMap((app) =>
    entriesOf(nodeAt(app.node, ["oidc", "testUsers"])).flatMap(({ value }) =>
      itemsOf(nodeAt(value, ["roles"])).flatMap((item) =>
        item.kind === "scalar" && typeof item.value === "string"
          ? checkReference({ text: item.value, node: item }, rolesOf(app.node), (name) => `app ${quoted(app.name)} has no role ${name}`)
          : [],
      ),
    ),
  ),
];

const checkAuth: Check = (view) =>
  ruledOf(view).flatMap(({ app, node }): readonly Finding[] => {
    const auth = wordAt(node, "auth");
    if (auth === undefined || nodeAt(app.node, ["oidc"]) !== undefined) return [];
    const help = "add `oidc: { roles: […] }` to the app";
    return [
      {
        code: "E0130",
        message: `app ${quoted(app.name)} has no \`oidc\`: nobody can tell who sends a request`,
        span: auth.node.span,
        help,
      },
    ];
  });

/** A role without a mode would let everybody through, and reads as if it did not. */
const checkRoleAlone: Check = (view) =>
  ruledOf(view).flatMap(({ app, node }): readonly Finding[] => {
    const role = wordAt(node, "role");
    const policy = wordAt(node, "policy");
    const shared = policy === undefined ? undefined : wordAt(nodeAt(app.node, ["policies", policy.text]) ?? node, "auth");
    if (role === undefined || wordAt(node, "auth") !== undefined || shared !== undefined) return [];
    return [{ code: "E0104", message: "a `role` needs `auth` beside it", span: role.node.span, help: "auth: jwt, or auth: session" }];
  });

const checkService = (view: View, key: string, service: string, says: string, elsewhere?: string): readonly Finding[] => {
  if (!view.services.some(({ name }) => name === service) || section(view, "services").some((entry) => entry.key === service)) return [];
  return appsOf(view).flatMap((app): readonly Finding[] => {
    const entry = entriesOf(app.node).find((candidate) => candidate.key === key);
    if (entry === undefined || (elsewhere !== undefined && nodeAt(entry.value, [elsewhere]) !== undefined)) return [];
    if (entriesOf(entry.value).length === 0 && key === "buckets") return [];
    const help = `${says}: add \`${service}\` under \`services\``;
    return [
      {
        code: "E0130",
        message: `app ${quoted(app.name)} has \`${key}\`, but service "${service}" is not defined`,
        span: entry.keySpan,
        help,
      },
    ];
  });
};

const checkServices: Check = (view) => [
  ...checkService(view, "oidc", "identity", "realms live in the identity service, or name an `issuer` elsewhere", "issuer"),
  ...checkService(view, "buckets", "objects", "buckets live in the object store"),
];

export const checkAccess: Check = (view) =>
  [checkPolicies, checkRoles, checkAuth, checkRoleAlone, checkServices].flatMap((check) => check(view));
