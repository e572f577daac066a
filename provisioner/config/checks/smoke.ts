/** What a transaction names: somebody who can log in, and hosts that answer. */
import type { Finding } from "../problem.ts";
import { backticked, quoted } from "../text.ts";
import { entriesOf, itemsOf, nodeAt, wordAt } from "../tree.ts";
import { appsOf, checkReference, type AppView, type Check } from "./view.ts";

/** What the module gets beside its origins. */
const RESERVED = ["fetcher", "username", "password"];

const checkUser = ({ name, node }: AppView): readonly Finding[] =>
  checkReference(
    wordAt(nodeAt(node, ["smoke"]), "user"),
    entriesOf(nodeAt(node, ["oidc", "testUsers"])).map(({ key }) => key),
    (user) => `app ${quoted(name)} has no test user ${user}`,
  );

const checkOrigins = ({ name, node }: AppView): readonly Finding[] => {
  const hosts = itemsOf(nodeAt(node, ["routes"])).flatMap((route) => wordAt(route, "host")?.text ?? []);
  const origins = nodeAt(node, ["smoke", "origins"]);
  return entriesOf(origins).flatMap(({ key, keySpan }): readonly Finding[] => [
    ...(RESERVED.includes(key)
      ? [{ code: "E0124" as const, message: `${backticked(key)} is reserved`, span: keySpan, help: `reserved: ${RESERVED.join(", ")}` }]
      : []),
    ...checkReference(origins && wordAt(origins, key), [...new Set(hosts)], (host) => `app ${quoted(name)} has no route at host ${host}`),
  ]);
};

export const checkSmoke: Check = (view) => appsOf(view).flatMap((app) => [...checkUser(app), ...checkOrigins(app)]);
