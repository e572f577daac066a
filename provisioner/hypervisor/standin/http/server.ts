/** Connections on the API socket: at most ten, requests answered one after another in order of arrival. */
import { renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { ApiAnswer, ApiRequest } from "../core/routes.ts";
import { CONTINUE, FULL_ANSWER, HttpRefusal, makeConnection, nextRequest, renderAnswer, renderRefusal } from "./parser.ts";

const CONNECTION_LIMIT = 10;

export type ApiServer = {
  /** Stops listening; resolves when answers already written are on their way. */
  readonly close: () => Promise<void>;
};

type Answerer = (request: ApiRequest) => Promise<ApiAnswer>;

const write = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => (socket.writable ? socket.write(text, () => resolve()) : resolve()));

const serve = (socket: Socket, answer: Answerer): void => {
  const connection = makeConnection();
  const drain = (): void => {
    try {
      for (let request = nextRequest(connection); request !== undefined; request = nextRequest(connection)) {
        if (request === "continue") void write(socket, CONTINUE);
        else void answer(request).then((result) => write(socket, renderAnswer(result)));
      }
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      Object.assign(connection, makeConnection());
      void write(socket, renderRefusal(error));
    }
  };
  socket.on("data", (chunk) => {
    connection.rest = Buffer.concat([connection.rest, chunk]);
    // The end of a half-closed connection arrives right behind its last bytes, which are then not read.
    setImmediate(() => (socket.destroyed ? undefined : drain()));
  });
  socket.on("error", () => socket.destroy());
};

/** The socket appears under its name only when it takes connections. */
const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const early = `${path}~`;
    rmSync(early, { force: true });
    server.once("error", reject);
    server.listen(early, () => {
      renameSync(early, path);
      resolve();
    });
  });

/** A half-closed connection counts as gone: no answer is sent. */
export const startServer = async (path: string, answer: Answerer): Promise<ApiServer> => {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (open.size >= CONNECTION_LIMIT) {
      socket.end(FULL_ANSWER);
      return;
    }
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("end", () => socket.destroy());
    serve(socket, answer);
  });
  await listen(server, path);
  const close = async (): Promise<void> => {
    server.close();
    await Promise.all([...open].map((socket) => write(socket, "")));
    open.forEach((socket) => socket.destroy());
  };
  return { close };
};
