/** Queries over a byte stream to the server's socket: the one door of `pg`. */
import type { Duplex } from "node:stream";
import pg from "pg";
import { CroftError } from "../../provisioner/errors.ts";
import { doorPoint } from "../../provisioner/execute/faults.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { SOCKET } from "./names.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Database = {
  readonly query: (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
};

const LONGEST_NAME = 63;

/** `"name"`. @throws CroftError BUG for what PostgreSQL would cut or not take. */
export const quoteName = (name: string): string => {
  if (name.includes("\0") || name === "" || Buffer.byteLength(name) > LONGEST_NAME) throw new CroftError("BUG", `not an SQL name: ${JSON.stringify(name)}`);
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

const failure = (doing: string, shell: Shell, cause: unknown): CroftError => {
  const { code, message, detail } = cause as { code?: string; message: string; detail?: string };
  // Starting up, shutting down, or not there at all.
  const transient = code === undefined || code.startsWith("57P") || code.startsWith("08");
  return new CroftError("DATABASE", `${doing} on ${shell.label}: ${message}`, { cause, transient, ...(detail === undefined ? {} : { tail: detail }) });
};

/**
 * Works as the superuser in one database, over the machine's own root.
 * @throws CroftError DATABASE; transient where the server cannot be reached
 */
export const withDatabase = async <T>(shell: Shell, database: string, work: (found: Database) => Promise<T>): Promise<T> => {
  const stream = await shell.connectUnix(SOCKET);
  const client = new pg.Client({ user: "postgres", database, stream: () => asSocket(stream) as never, ssl: false, connectionTimeoutMillis: 10_000, application_name: "croft" });
  client.on("error", () => {});
  const connected = await client.connect().then(() => true, (cause: unknown) => Promise.reject(failure("connecting to PostgreSQL", shell, cause)));
  try {
    return await work({
      query: async (sql, values = []) => {
        await doorPoint("before");
        const result = await client.query(sql, [...values]).catch((cause: unknown) => Promise.reject(failure("a query to PostgreSQL", shell, cause)));
        await doorPoint("after");
        return result.rows as readonly Row[];
      },
    });
  } finally {
    if (connected) await client.end().catch(() => {});
    stream.destroy();
  }
};
