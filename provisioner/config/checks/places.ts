/** Paths of routes: those that are croft's own, and those that no request ever reaches. */
import type { Finding } from "../problem.ts";
import { backticked, quoted } from "../text.ts";
import { spanInside, wordAt, type Node } from "../tree.ts";
import { fullHost } from "./routes.ts";
import { isTrueAt, routesOf, type Check, type View } from "./view.ts";

const OWN = ["/_croft", "/.well-known/croft"] as const;

const checkOwn: Check = (view) =>
  routesOf(view).flatMap(({ node }): readonly Finding[] => {
    const path = wordAt(node, "path");
    const own = OWN.find((prefix) => path?.text === prefix || path?.text.startsWith(`${prefix}/`) === true);
    if (path === undefined || own === undefined) return [];
    return [
      {
        code: "E0124",
        message: `paths below ${backticked(own)} are the gateway's own`,
        span: spanInside(path.node, 0, own.length),
        help: "choose another path",
      },
    ];
  });

/** The gateway compares what escapes stand for; an escape itself never arrives. */
const checkEscapes: Check = (view) =>
  routesOf(view).flatMap(({ node }): readonly Finding[] => {
    const path = wordAt(node, "path");
    const at = path?.text.indexOf("%") ?? -1;
    if (path === undefined || at < 0) return [];
    const help = "requests are compared once their escapes are decoded: write the characters themselves";
    return [{ code: "E0128", message: "the path of a route cannot hold `%`", span: spanInside(path.node, at, 1), help }];
  });

type Place = { readonly host: string; readonly path: string; readonly exact: boolean; readonly node: Node };

const placesOf = (view: View): readonly Place[] => {
  const domain = wordAt(view.root, "domain")?.text ?? "";
  return routesOf(view).flatMap(({ node }) => {
    const host = wordAt(node, "host");
    if (host === undefined) return [];
    return [{ host: fullHost(host.text, domain), path: wordAt(node, "path")?.text ?? "/", exact: isTrueAt(node, "exact"), node }];
  });
};

/** `/a` answers `/a` and what is below it: with an exact route for the one and a prefix `/a/` for the other nothing is left. */
const checkShadowed: Check = (view) => {
  const places = placesOf(view);
  const keyOf = (host: string, path: string, exact: boolean): string => `${host}${path} ${exact}`;
  const byPlace = new Map(places.map((place) => [keyOf(place.host, place.path, place.exact), place]));
  return places.flatMap((place): readonly Finding[] => {
    if (place.exact || place.path.endsWith("/")) return [];
    const itself = byPlace.get(keyOf(place.host, place.path, true));
    const below = byPlace.get(keyOf(place.host, `${place.path}/`, false));
    const word = wordAt(place.node, "path");
    if (itself === undefined || below === undefined || word === undefined) return [];
    return [
      {
        code: "E0140",
        message: `no request ever reaches this route: ${quoted(place.host + place.path)} and all below it have routes of their own`,
        span: word.node.span,
        related: [itself, below].flatMap(({ node, exact }) => {
          const other = wordAt(node, "path");
          return other === undefined
            ? []
            : [{ span: other.node.span, label: exact ? "answers the path itself" : "answers what is below it" }];
        }),
      },
    ];
  });
};

export const checkRoutePlaces: Check = (view) => [checkOwn, checkEscapes, checkShadowed].flatMap((check) => check(view));
