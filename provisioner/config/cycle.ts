/** Cycles in a directed graph. */

/**
 * The first cycle by order of nodes, closed: `[a, b, a]`. Undefined where there is none.
 * Iterative, so that a chain of 100,000 nodes is no deeper than one of two.
 */
export const findCycle = (edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined => {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const cycle = done.has(start) ? undefined : searchFrom(start, edges, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
};

type Step = { readonly node: string; readonly rest: string[] };

const searchFrom = (start: string, edges: ReadonlyMap<string, readonly string[]>, done: Set<string>): readonly string[] | undefined => {
  const enter = (node: string): Step => ({ node, rest: [...(edges.get(node) ?? [])].toReversed() });
  const path = [enter(start)];
  const onPath = new Set([start]);
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const next = step.rest.pop();
    if (next === undefined) {
      done.add(step.node);
      onPath.delete(step.node);
      path.pop();
    } else if (onPath.has(next)) {
      const nodes = path.map(({ node }) => node);
      return [...nodes.slice(nodes.indexOf(next)), next];
    } else if (!done.has(next)) {
      path.push(enter(next));
      onPath.add(next);
    }
  }
  return undefined;
};
