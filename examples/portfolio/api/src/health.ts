/** Whether this process should get traffic: its database and its storage answer, its schema is there, it is not stopping. */
import type { Query } from "./database.ts";
import type { Reply } from "./reply.ts";

/** Milliseconds for which one finding is repeated, and after which a silent database counts as away. */
const KEEP = 2_000;
const PATIENCE = 2_000;

export type Health = {
  readonly expected: string;
  readonly getReply: () => Promise<Reply>;
  readonly isDraining: () => boolean;
  readonly drain: () => void;
};

type Finding = { readonly ready: boolean; readonly database: string; readonly schema: string; readonly storage?: string };

export type Dependencies = {
  readonly query: Query;
  /** Rejects where storage is away. */
  readonly probe?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Told why something counts as away: answers do not say it. */
  readonly report?: (dependency: "database" | "storage", reason: unknown) => void;
};

export function makeHealth(dependencies: Dependencies, expected: string, now: () => number): Health {
  let draining = false;
  let found: { readonly at: number; readonly finding: Promise<Finding> } | undefined;
  const getFinding = (): Promise<Finding> => {
    if (found === undefined || now() - found.at >= KEEP) found = { at: now(), finding: look(dependencies, expected) };
    return found.finding;
  };
  return {
    expected,
    isDraining: () => draining,
    drain: () => void (draining = true),
    getReply: async () => {
      if (draining) return { status: 503, body: { status: "draining" } };
      const { ready, ...checks } = await getFinding();
      return { status: ready ? 200 : 503, body: { status: ready ? "ready" : "unavailable", checks } };
    },
  };
}

async function look(dependencies: Dependencies, expected: string): Promise<Finding> {
  const { probe } = dependencies;
  const [finding, storage] = await Promise.all([lookAtDatabase(dependencies, expected), probe && lookAtStorage(dependencies, probe)]);
  return storage === undefined ? finding : { ...finding, ready: finding.ready && storage === "ok", storage };
}

async function lookAtStorage({ report }: Dependencies, probe: NonNullable<Dependencies["probe"]>): Promise<string> {
  try {
    await withinPatience(probe(AbortSignal.timeout(PATIENCE)));
    return "ok";
  } catch (error) {
    report?.("storage", error);
    return "unavailable";
  }
}

async function lookAtDatabase({ query, report }: Dependencies, expected: string): Promise<Finding> {
  try {
    const newest = await withinPatience(getNewest(query));
    const ready = isReached(newest, expected);
    return { ready, database: "ok", schema: ready ? newest : `${newest || "none"}, ${expected} is needed` };
  } catch (error) {
    report?.("database", error);
    return { ready: false, database: "unavailable", schema: "unknown" };
  }
}

async function getNewest(query: Query): Promise<string> {
  const rows = await query<{ newest: string | null }>("select max(name) as newest from public.croft_migrations");
  return (rows[0]?.newest ?? "").replace(/\.up\.sql$/, "");
}

/** A newer schema is fine: migrations run before traffic moves, while the older release still serves. */
function isReached(newest: string, expected: string): boolean {
  return newest >= expected;
}

/** The client of each has limits of its own, longer ones. */
async function withinPatience<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer")), PATIENCE);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
