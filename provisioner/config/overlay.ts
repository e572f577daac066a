/** `environments: NAME:` laid over the rest of the file: maps deep, everything else replaced; spans stay. */
import type { Finding } from "./problem.ts";
import { closest } from "./suggest.ts";
import { backticked, quoted } from "./text.ts";
import { entriesOf, entryAt, nodeAt, type Entry, type MapNode, type Node } from "./tree.ts";

export const BASE = "default";

const overlayEntry = (below: Entry | undefined, above: Entry): Entry => {
  if (below?.value.kind === "map" && above.value.kind === "map") return { ...below, value: overlay(below.value, above.value) };
  return above;
};

/** Keys keep the order of `below`; new ones follow. */
export const overlay = (below: MapNode, above: MapNode): MapNode => {
  const entries = new Map(below.entries);
  for (const [key, entry] of above.entries) entries.set(key, overlayEntry(below.entries.get(key), entry));
  return { ...below, entries };
};

export type Variant = { readonly name: string; readonly root: MapNode };

const applyOne = (base: MapNode, name: string, value: Node): Variant => ({
  name,
  root: value.kind === "map" ? overlay(base, value) : base,
});

/** The file as the base and every environment see it. */
export const variantsOf = (root: MapNode): readonly Variant[] => {
  const named = entriesOf(nodeAt(root, ["environments"])).map(({ key, value }) => applyOne(root, key, value));
  return [{ name: BASE, root }, ...named];
};

export const checkEnvironment = (root: MapNode, name: string, variants: readonly Variant[]): readonly Finding[] => {
  if (variants.some((variant) => variant.name === name)) return [];
  const known = variants.map((variant) => variant.name).filter((known) => known !== BASE);
  const near = closest(name, known);
  const span = entryAt(root, ["environments"])?.keySpan ?? { start: root.span.start, end: root.span.start + 1 };
  return [
    {
      code: "E0138",
      message: `environment ${quoted(name)} is not defined`,
      span,
      ...(near === undefined ? {} : { hint: `did you mean ${backticked(near)}?` }),
      help: known.length === 0 ? `add it: environments: { ${name}: {} }` : `defined: ${known.join(", ")}`,
    },
  ];
};
