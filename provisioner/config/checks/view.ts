/** What every check looks at: one variant of the file, and what the caller knows. Ill-typed parts are skipped, the schema names them. */
import type { ServiceSchema } from "../schema.ts";
import type { Finding } from "../problem.ts";
import { closest } from "../suggest.ts";
import { backticked, quoted, showValue } from "../text.ts";
import { entriesOf, itemsOf, nodeAt, wordAt, type Entry, type MapNode, type Node, type Word } from "../tree.ts";

export type View = {
  readonly root: MapNode;
  readonly environment: string;
  readonly services: readonly ServiceSchema[];
  readonly variables: Readonly<Record<string, string>>;
  /** Further names that `${…}` may hold, beside an app's own database. */
  readonly bindings: readonly string[];
};

export type Check = (view: View) => readonly Finding[];

export type AppView = { readonly name: string; readonly entry: Entry; readonly node: Node };
export type WorkloadView = {
  readonly app: AppView;
  readonly name: string;
  readonly entry: Entry;
  readonly node: Node;
  readonly kind: string | undefined;
};
export type RouteView = { readonly app: AppView; readonly node: Node };

export const section = (view: View, name: string): readonly Entry[] => entriesOf(nodeAt(view.root, [name]));

export const appsOf = (view: View): readonly AppView[] =>
  section(view, "apps").map((entry) => ({ name: entry.key, entry, node: entry.value }));

const workloadsOfApp = (app: AppView): readonly WorkloadView[] =>
  entriesOf(nodeAt(app.node, ["workloads"])).map((entry) => ({
    app,
    name: entry.key,
    entry,
    node: entry.value,
    kind: wordAt(entry.value, "kind")?.text,
  }));

export const workloadsOf = (view: View): readonly WorkloadView[] => appsOf(view).flatMap(workloadsOfApp);

export const routesOf = (view: View): readonly RouteView[] =>
  appsOf(view).flatMap((app) => itemsOf(nodeAt(app.node, ["routes"])).map((node) => ({ app, node })));

export const numberAt = (node: Node | undefined, key: string): { readonly value: number; readonly node: Node } | undefined => {
  const found = nodeAt(node, [key]);
  return found?.kind === "scalar" && typeof found.value === "number" ? { value: found.value, node: found } : undefined;
};

export const isTrueAt = (node: Node | undefined, key: string): boolean => {
  const found = nodeAt(node, [key]);
  return found?.kind === "scalar" && found.value === true;
};

/** A name that must be one of the defined ones. */
export const checkReference = (word: Word | undefined, defined: readonly string[], says: (name: string) => string): readonly Finding[] => {
  if (word === undefined || defined.includes(word.text)) return [];
  const near = closest(word.text, defined);
  return [
    {
      code: "E0130",
      message: says(quoted(word.text)),
      span: word.node.span,
      ...(near === undefined ? {} : { hint: `did you mean ${backticked(near)}?` }),
      help: defined.length === 0 ? "none is defined" : `defined: ${listed(defined)}`,
    },
  ];
};

const MOST_LISTED = 12;
export const listed = (names: readonly string[]): string =>
  names.length <= MOST_LISTED
    ? names.map(showValue).join(", ")
    : `${names.slice(0, MOST_LISTED).map(showValue).join(", ")} and ${names.length - MOST_LISTED} more`;
