/** One listening port and how it closes. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Milliseconds in which a connection that has said nothing yet may still begin. */
const HESITATION = 500;

export type Port = {
  readonly number: number;
  /** Idle connections end at once, busy ones with their answer, and all of them after `limit` milliseconds. */
  readonly close: (limit: number) => Promise<void>;
};

export async function openPort(listener: RequestListener, host: string, port: number): Promise<Port> {
  const server = createServer(listener);
  // Longer than a gateway keeps its side open, so that it never writes into a closing connection.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 80_000;
  // A picture of 50 MiB over a slow line.
  server.requestTimeout = 600_000;
  const silent = trackSilent(server);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, host, resolve);
  await promise;
  return { number: (server.address() as AddressInfo).port, close: (limit) => close(server, silent, limit) };
}

/** Connections without a request so far: Node counts them neither as idle nor as busy. */
function trackSilent(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
  });
  server.on("request", (request) => silent.delete(request.socket));
  return silent;
}

async function close(server: Server, silent: ReadonlySet<Socket>, limit: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const timers = [
    setTimeout(() => silent.forEach((socket) => socket.destroy()), Math.min(HESITATION, limit)),
    setTimeout(() => server.closeAllConnections(), limit),
  ];
  await promise;
  timers.forEach(clearTimeout);
}
