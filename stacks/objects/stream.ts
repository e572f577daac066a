/** HTTP to the store over byte streams that its machine opens: nothing of its administration is on a network. */
import type { Agent, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { http } from "../../provisioner/transport/http.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";

export type Store = {
  readonly shell: Shell;
  readonly address: string;
  readonly port: number;
  /** Croft's own secret there. */
  readonly secret: string;
};

/** What HTTP asks of a socket and a channel of SSH does not have. */
const asSocket = (stream: Duplex): Socket => {
  const nothing = () => stream;
  const known = stream as unknown as Record<string, unknown>;
  for (const name of ["setTimeout", "setNoDelay", "setKeepAlive", "ref", "unref"]) known[name] ??= nothing;
  return stream as Socket;
};

/** One stream for each request: they are few, and none outlives the look it served. */
export const makeAgent = ({ shell, address, port }: Store): Agent => {
  class StreamAgent extends http.Agent {
    override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): undefined {
      shell.connectTcp(address, port).then(
        (stream) => done?.(null, asSocket(stream)),
        (error: Error) => done?.(error, undefined as never),
      );
    }
  }
  return new StreamAgent({ keepAlive: false });
};

export type Question = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};
export type Answer = { readonly status: number; readonly headers: IncomingMessage["headers"]; readonly body: Buffer };

const TIMEOUT_MS = 30_000;

export const ask = (store: Store, { method, path, headers, body }: Question): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { agent: makeAgent(store), host: store.address, port: store.port, method, path, headers };
    const sent = http.request({ ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }, (message) => {
      buffer(message).then((all) => resolve({ status: message.statusCode ?? 0, headers: message.headers, body: all }), reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
