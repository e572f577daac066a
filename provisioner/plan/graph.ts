/** Orders of a directed graph. Generic and linear. Pure. */
import { CroftError } from "../errors.ts";

export type Edges = ReadonlyMap<string, readonly string[]>;

/** A path that ends where it began, or undefined. */
export const findCycle = (edges: Edges): readonly string[] | undefined => {
  const done = new Set<string>();
  const path: string[] = [];
  const onPath = new Set<string>();
  const visit = (id: string): readonly string[] | undefined => {
    if (onPath.has(id)) return [...path.slice(path.indexOf(id)), id];
    if (done.has(id)) return undefined;
    done.add(id);
    path.push(id);
    onPath.add(id);
    for (const next of edges.get(id) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    onPath.delete(id);
    return undefined;
  };
  for (const id of edges.keys()) {
    const cycle = visit(id);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

/** Every id after all it points to; ties in the order of the map. @throws CroftError PLAN_INVALID on a cycle. */
export const topologicalOrder = (edges: Edges): readonly string[] => {
  const cycle = findCycle(edges);
  if (cycle !== undefined) throw new CroftError("PLAN_INVALID", `dependency cycle: ${cycle.join(" -> ")}`);
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (seen.has(id) || !edges.has(id)) return;
    seen.add(id);
    for (const next of edges.get(id) ?? []) visit(next);
    order.push(id);
  };
  for (const id of edges.keys()) visit(id);
  return order;
};
