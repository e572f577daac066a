/** Routes that lead to a bucket: one that the app has, what goes with it, and reading alone. */
import type { Finding } from "../problem.ts";
import { backticked, quoted } from "../text.ts";
import { entriesOf, nodeAt, wordAt, type Node } from "../tree.ts";
import { checkReference, isTrueAt, routesOf, type Check, type RouteView } from "./view.ts";

const FIELDS = ["prefix", "index", "spa", "notFound"];

const checkBucket = ({ app, node }: RouteView): readonly Finding[] => {
  const buckets = entriesOf(nodeAt(app.node, ["buckets"])).map(({ key }) => key);
  return checkReference(wordAt(node, "bucket"), buckets, (name) => `app ${quoted(app.name)} has no bucket ${name}`);
};

/** Beside another target they would silently do nothing. */
const checkAlone = ({ node }: RouteView): readonly Finding[] =>
  nodeAt(node, ["bucket"]) !== undefined
    ? []
    : entriesOf(node)
        .filter(({ key }) => FIELDS.includes(key))
        .map(({ key, keySpan }) => ({
          code: "E0104",
          message: `${backticked(key)} says how a bucket is shown, but this route leads to none`,
          span: keySpan,
          hint: key === "spa" ? "a static workload has `spa` itself" : "add `bucket: NAME`",
        }));

const checkFallbacks = ({ node }: RouteView): readonly Finding[] => {
  const entry = (key: string) => entriesOf(node).find((candidate) => candidate.key === key);
  const [spa, notFound] = [entry("spa"), entry("notFound")];
  if (spa === undefined || notFound === undefined || !isTrueAt(node, "spa")) return [];
  return [
    {
      code: "E0131",
      message: "a route cannot have both `spa` and `notFound`",
      span: notFound.keySpan,
      hint: "leave one of them out",
      help: "with `spa` the index answers for what is not there",
      related: [{ span: spa.keySpan, label: "the other answer" }],
    },
  ];
};

const methodsOf = ({ app, node }: RouteView): Node | undefined => {
  const policy = wordAt(node, "policy")?.text;
  return nodeAt(node, ["methods"]) ?? (policy === undefined ? undefined : nodeAt(app.node, ["policies", policy, "methods"]));
};

const checkMethods = (route: RouteView): readonly Finding[] => {
  const methods = methodsOf(route);
  if (nodeAt(route.node, ["bucket"]) === undefined || methods?.kind !== "list") return [];
  return methods.items.flatMap((item): readonly Finding[] =>
    item.kind === "scalar" && typeof item.value === "string" && !["GET", "HEAD"].includes(item.value)
      ? [
          {
            code: "E0107",
            message: `a bucket answers GET and HEAD, never ${item.value}`,
            span: item.span,
            help: "apps write by the object store's own address",
          },
        ]
      : [],
  );
};

export const checkBucketRoutes: Check = (view) =>
  routesOf(view).flatMap((route) => [checkBucket, checkAlone, checkFallbacks, checkMethods].flatMap((check) => check(route)));
