/** Ways to the public name: directly, or through a machine of the site, whose address then is the client's. */
import { Agent, request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";

export type Door = { readonly host: string; readonly agent: Agent };

const secure = (stream: Duplex, host: string, authority: string): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ socket: stream, servername: host, ca: authority, ALPNProtocols: ["http/1.1"] }, () => resolve(socket));
    socket.once("error", reject);
  });

/** Every connection is a stream of its own. */
export const makeDoor = (host: string, authority: string, open: () => Promise<Duplex>): Door => {
  class StreamAgent extends Agent {
    override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): undefined {
      open()
        .then((stream) => secure(stream, host, authority))
        .then(
          (socket) => done?.(null, socket),
          (error: Error) => done?.(error, undefined as never),
        );
    }
  }
  return { host, agent: new StreamAgent({ keepAlive: false }) };
};

export type Question = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};
export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

const TIMEOUT_MS = 20_000;

/** A plain request: only the given headers are sent. An answer counts even where it comes before the body is sent. */
export const askThrough = ({ host, agent }: Door, { method, path, headers = {}, body }: Question): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const options = { agent, host, path, method, headers: { host, ...length, ...headers }, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const sent = request(options, (message) => {
      const status = message.statusCode ?? 0;
      buffer(message).then(
        (all) => resolve({ status, headers: message.headers, body: all }),
        () => resolve({ status, headers: message.headers, body: Buffer.alloc(0) }),
      );
    });
    sent.once("error", reject);
    if (headers["content-length"] === undefined) sent.end(body);
    else sent.flushHeaders();
  });
