import pg from "pg";
import type { Logger } from "pino";
import { HttpError } from "./reply.ts";

export type Query = <T>(text: string, values?: readonly unknown[]) => Promise<T[]>;

/** Class 08: connection, 53: resources, 57: operator intervention (a restart). */
const UNAVAILABLE = /^(08|53|57)/;

const FOREIGN_KEY = "23503";

/** Idle clients that break are dropped and logged; the next query opens a fresh one. */
export function makePool(databaseUrl: string, log: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "portfolio-api",
    max: 10,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 10_000,
    // The server's limit does not help when the server hangs, so the client has its own.
    query_timeout: 12_000,
    keepAlive: true,
  });
  pool.on("error", (error) => log.warn({ err: error }, "database connection lost"));
  return pool;
}

/** One statement, one row type. Throws HttpError 503 where the database is away, 400 for refused text, 404 for a lost parent. */
export function makeQuery(pool: pg.Pool): Query {
  return async <T>(text: string, values: readonly unknown[] = []): Promise<T[]> => {
    try {
      return (await pool.query(text, [...values])).rows as T[];
    } catch (error) {
      throw explain(error);
    }
  };
}

function explain(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || UNAVAILABLE.test(error.code ?? "")) {
    return new HttpError(503, "the service is not available right now, please try again shortly", {
      cause: error,
      headers: { "Retry-After": "2" },
    });
  }
  if (error.code === FOREIGN_KEY) return new HttpError(404, "what this belongs to is gone", { cause: error });
  if (error.code?.startsWith("22")) return new HttpError(400, "the body holds text that cannot be stored", { cause: error });
  return error;
}
