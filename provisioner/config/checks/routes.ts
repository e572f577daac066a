/** Routes: one target each, no two for one place, names that DNS takes, redirects that end. */
import { findCycle } from "../cycle.ts";
import type { Finding } from "../problem.ts";
import { backticked, quoted } from "../text.ts";
import { entriesOf, nodeAt, wordAt, type Node, type Word } from "../tree.ts";
import { checkBucketRoutes } from "./bucket-routes.ts";
import { findRepeated } from "./unique.ts";
import { isTrueAt, routesOf, type Check, type View } from "./view.ts";

/** The host that a browser asks for. */
export const fullHost = (host: string, domain: string): string => (host === "@" ? domain : `${host}.${domain}`);

const domainOf = (view: View): string => wordAt(view.root, "domain")?.text ?? "";
const pathOf = (node: Node): string => wordAt(node, "path")?.text ?? "/";

const TARGETS = ["to", "deny", "redirect", "bucket"];

const checkTargets: Check = (view) =>
  routesOf(view).flatMap(({ node }): readonly Finding[] => {
    const [first, second] = entriesOf(node).filter(({ key }) => TARGETS.includes(key));
    if (node.kind !== "map" || (first !== undefined && second === undefined)) return [];
    const help = "a route has exactly one of to, deny, redirect, bucket";
    if (first === undefined)
      return [{ code: "E0104", message: "this route leads nowhere", span: { start: node.span.start, end: node.span.start + 1 }, help }];
    if (second === undefined) return [];
    return [
      {
        code: "E0131",
        message: `a route cannot have both \`${first.key}\` and \`${second.key}\``,
        span: second.keySpan,
        help,
        related: [{ span: first.keySpan, label: "the other target" }],
      },
    ];
  });

/** Routes that differ by method or parameter only still answer one place: the gateway keeps one. */
const checkPlaces: Check = (view) => {
  const claims = routesOf(view).flatMap(({ app, node }) => {
    const host = wordAt(node, "host");
    const exact = isTrueAt(node, "exact") ? " exactly" : "";
    const shown = host && fullHost(host.text, domainOf(view)) + pathOf(node) + exact;
    return host === undefined || shown === undefined
      ? []
      : [{ key: shown, span: host.node.span, label: `first routed here, by app ${quoted(app.name)}` }];
  });
  return findRepeated(claims, ({ key }) => ({
    code: "E0131",
    message: `${quoted(key)} is routed twice`,
    help: "the gateway keeps one route for each host and path: methods and parameters do not tell two apart",
  }));
};

const LONGEST_HOST = 253;

const checkHost = (host: Word, domain: string): readonly Finding[] => {
  if (domain !== "" && (host.text === domain || host.text.endsWith(`.${domain}`))) {
    const labels = host.text.slice(0, -domain.length).replace(/\.$/, "");
    return [
      {
        code: "E0125",
        message: `the site's domain is added to a route's host: this would be ${backticked(fullHost(host.text, domain))}`,
        span: host.node.span,
        hint: labels === "" ? 'write "@"' : `write ${labels}`,
      },
    ];
  }
  const full = fullHost(host.text, domain);
  return full.length <= LONGEST_HOST
    ? []
    : [{ code: "E0125", message: `a host name has ${LONGEST_HOST} characters at most, this one has ${full.length}`, span: host.node.span }];
};

const checkHosts: Check = (view) =>
  routesOf(view).flatMap(({ node }) => {
    const host = wordAt(node, "host");
    return host === undefined ? [] : checkHost(host, domainOf(view));
  });

type Redirect = { readonly from: string; readonly to: string; readonly word: Word };

/** `host/path` that a redirect leads to, in the same form as a route's own place. */
const targetOf = (host: string, word: Word): string | undefined => {
  const base = `https://${host}`;
  if (!URL.canParse(word.text, base)) return undefined;
  const url = new URL(word.text, base);
  return url.hostname + url.pathname;
};

const redirectsOf = (view: View): readonly Redirect[] =>
  routesOf(view).flatMap(({ node }) => {
    const [host, word] = [wordAt(node, "host"), wordAt(node, "redirect")];
    if (host === undefined || word === undefined) return [];
    const full = fullHost(host.text, domainOf(view));
    const to = targetOf(full, word);
    return to === undefined ? [] : [{ from: full + pathOf(node), to, word }];
  });

type Candidate = { readonly place: string; readonly exact: boolean };

/** The place whose route answers: the exact one, otherwise the longest prefix, as the gateway chooses. */
const makeAnswering = (places: readonly Candidate[]): ((target: string) => string | undefined) => {
  const exact = new Set(places.filter((place) => place.exact).map(({ place }) => place));
  const prefixes = new Set(places.filter((place) => !place.exact).map(({ place }) => place));
  const lengths = [...new Set([...prefixes].map(({ length }) => length))].toSorted((a, b) => b - a);
  return (target) => {
    if (exact.has(target)) return target;
    const length = lengths.find((candidate) => candidate <= target.length && prefixes.has(target.slice(0, candidate)));
    return length === undefined ? undefined : target.slice(0, length);
  };
};

const checkLoops: Check = (view) => {
  const redirects = redirectsOf(view);
  if (redirects.length === 0) return [];
  const places = routesOf(view).map(({ node }) => ({
    place: fullHost(wordAt(node, "host")?.text ?? "", domainOf(view)) + pathOf(node),
    exact: isTrueAt(node, "exact"),
  }));
  const answering = makeAnswering(places);
  const edges = new Map(redirects.map(({ from, to }) => [from, [answering(to) ?? to]]));
  const byPlace = Map.groupBy(redirects, ({ from }) => from);
  const cycle = findCycle(edges);
  const steps = (cycle ?? []).slice(0, -1).flatMap((from) => (byPlace.get(from) ?? []).slice(0, 1));
  const [first, ...others] = steps.toSorted((a, b) => a.word.node.span.start - b.word.node.span.start);
  if (cycle === undefined || first === undefined) return [];
  const ordered = [...cycle.slice(cycle.indexOf(first.from), -1), ...cycle.slice(0, cycle.indexOf(first.from)), first.from];
  return [
    {
      code: "E0133",
      message: `redirects go round for ever: ${ordered.join(" -> ")}`,
      span: first.word.node.span,
      related: others.map(({ word }) => ({ span: word.node.span, label: "and from here" })),
    },
  ];
};

const isStatic = (view: View, app: Node, to: string | undefined): boolean =>
  to !== undefined && view.root.kind === "map" && wordAt(nodeAt(app, ["workloads", to]), "kind")?.text === "static";

/** Files answer GET and HEAD only. */
const checkMethods: Check = (view) =>
  routesOf(view).flatMap(({ app, node }): readonly Finding[] => {
    const methods = nodeAt(node, ["methods"]);
    if (methods?.kind !== "list" || !isStatic(view, app.node, wordAt(node, "to")?.text)) return [];
    return methods.items.flatMap((item): readonly Finding[] =>
      item.kind === "scalar" && typeof item.value === "string" && !["GET", "HEAD"].includes(item.value)
        ? [{ code: "E0140", severity: "warning", message: `a static workload answers GET and HEAD, never ${item.value}`, span: item.span }]
        : [],
    );
  });

export const checkRoutes: Check = (view) =>
  [checkTargets, checkPlaces, checkHosts, checkLoops, checkMethods, checkBucketRoutes].flatMap((check) => check(view));
