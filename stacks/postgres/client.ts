/** Queries over a byte stream to the server's socket: the one door of `pg`, which is loaded for the first one. */
import type { Duplex } from "node:stream";
import type { DatabaseError } from "pg";
import { CroftError } from "../../provisioner/errors.ts";
import { doorPoint } from "../../provisioner/execute/faults.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { SOCKET } from "./names.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Database = {
  readonly query: (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
};

const LONGEST_NAME = 63;
const NO_DATABASE = "3D000";

/** `"name"`. @throws CroftError BUG for what PostgreSQL would cut or not take. */
export const quoteName = (name: string): string => {
  if (name.includes("\0") || name === "" || Buffer.byteLength(name) > LONGEST_NAME)
    throw new CroftError("BUG", `not an SQL name: ${JSON.stringify(name)}`);
  return `"${name.replaceAll('"', '""')}"`;
};

/** `'text'`. @throws CroftError BUG for NUL. */
export const quoteText = (text: string): string => {
  if (text.includes("\0")) throw new CroftError("BUG", "an SQL text cannot hold a NUL byte");
  const escaped = text.replaceAll("'", "''");
  return text.includes("\\") ? ` E'${escaped.replaceAll("\\", "\\\\")}'` : `'${escaped}'`;
};

/** pg calls connect(); this stream already is. */
const asSocket = (stream: Duplex): Duplex =>
  Object.assign(stream, {
    connect: () => {
      process.nextTick(() => stream.emit("connect"));
      return stream;
    },
    setNoDelay: () => stream,
    setKeepAlive: () => stream,
    ref: () => stream,
    unref: () => stream,
  });

/** What the server said itself; other errors are of the connection and have no severity. */
const isAnswer = (cause: unknown): cause is DatabaseError => cause instanceof Error && "severity" in cause;

/** `53300`: all connections are taken; `57P…`: starting up or shutting down. */
const PASSING = /^(08|53300|57P)/;

const failure = (doing: string, shell: Shell, cause: unknown): CroftError => {
  const answer = isAnswer(cause) ? cause : undefined;
  // Without an answer of the server the connection itself is gone.
  const transient = answer === undefined || PASSING.test(answer.code ?? "");
  return new CroftError("DATABASE", `${doing} on ${shell.label}: ${(cause as Error).message}`, {
    cause,
    transient,
    ...(answer?.detail === undefined ? {} : { tail: answer.detail }),
  });
};

/** Whether an error says that the database does not exist. */
export const saysNoDatabase = (error: unknown): boolean =>
  error instanceof CroftError && isAnswer(error.cause) && error.cause.code === NO_DATABASE;

export type OpenDatabase = Database & { readonly close: () => Promise<void> };

/**
 * Comes in as the superuser, over the machine's own root. Queries wait for one another.
 * @throws CroftError DATABASE; transient where the server cannot be reached
 */
export const openDatabase = async (shell: Shell, database: string): Promise<OpenDatabase> => {
  const { default: pg } = await import("pg");
  const stream = await shell.connectUnix(SOCKET);
  const client = new pg.Client({
    user: "postgres",
    database,
    stream: () => asSocket(stream) as never,
    ssl: false,
    connectionTimeoutMillis: 10_000,
    application_name: "croft",
  });
  client.on("error", () => {});
  await client.connect().catch((cause: unknown) => {
    stream.destroy();
    throw failure("connecting to PostgreSQL", shell, cause);
  });
  const ask = async (sql: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    await doorPoint("before");
    const result = await client
      .query(sql, [...values])
      .catch((cause: unknown) => Promise.reject(failure("a query to PostgreSQL", shell, cause)));
    await doorPoint("after");
    return result.rows as readonly Row[];
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    query: (sql, values = []) => {
      const answer = last.then(() => ask(sql, values));
      last = answer.catch(() => {});
      return answer;
    },
    close: async () => {
      await client.end().catch(() => {});
      stream.destroy();
    },
  };
};
