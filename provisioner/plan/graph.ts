/** Orders of a directed graph. Generic, linear, and without recursion: chains may be longer than the stack. Pure. */
import { CroftError } from "../errors.ts";

/** An id to what it points to; what is no key of the map is outside of the graph. */
export type Edges = ReadonlyMap<string, readonly string[]>;

type Frame = { readonly id: string; readonly targets: readonly string[]; next: number };
type Search = { readonly order: readonly string[]; readonly cycle: readonly string[] | undefined };

const openFrame = (edges: Edges, id: string): Frame => ({ id, targets: edges.get(id) as readonly string[], next: 0 });

const cycleOf = (path: readonly Frame[], id: string): readonly string[] => {
  const ids = path.map((frame) => frame.id);
  return [...ids.slice(ids.indexOf(id)), id];
};

/** Depth first; ends at the first cycle. */
const search = (edges: Edges): Search => {
  const order: string[] = [];
  const seen = new Map<string, "open" | "done">();
  for (const root of edges.keys()) {
    if (seen.has(root)) continue;
    seen.set(root, "open");
    const path = [openFrame(edges, root)];
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const next = frame.targets[frame.next++];
      if (next === undefined) {
        seen.set(frame.id, "done");
        order.push(frame.id);
        path.pop();
      } else if (seen.get(next) === "open") return { order, cycle: cycleOf(path, next) };
      else if (!seen.has(next) && edges.has(next)) {
        seen.set(next, "open");
        path.push(openFrame(edges, next));
      }
    }
  }
  return { order, cycle: undefined };
};

/** A path that ends where it began, or undefined. */
export const findCycle = (edges: Edges): readonly string[] | undefined => search(edges).cycle;

/** Every id after all it points to; ties in the order of the map. @throws CroftError PLAN_INVALID on a cycle. */
export const topologicalOrder = (edges: Edges): readonly string[] => {
  const { order, cycle } = search(edges);
  if (cycle !== undefined) throw new CroftError("PLAN_INVALID", `dependency cycle: ${cycle.join(" -> ")}`);
  return order;
};

/** The same graph with its edges turned round: an id to those that point to it. */
export const getDependents = (edges: Edges): Edges => {
  const dependents = new Map<string, string[]>();
  for (const [id, targets] of edges) {
    for (const target of targets) {
      const found = dependents.get(target);
      if (found === undefined) dependents.set(target, [id]);
      else found.push(id);
    }
  }
  return dependents;
};
