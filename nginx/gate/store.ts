/** Signed requests to the object store, for one object each. */
import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { encode, sign, signatureTime } from "../../provisioner/transport/signature.ts";
import type { BucketKey, Shown } from "./settings.ts";

export type Method = "GET" | "HEAD";

export type Question = {
  readonly shown: Shown;
  readonly keys: BucketKey;
  readonly method: Method;
  readonly object: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

const agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });
const NOTHING = new Uint8Array();

const pathOf = ({ bucket }: Shown, object: string): string => `/${bucket}/${object.split("/").map(encode).join("/")}`;

const send = ({ shown, keys, method, object, headers, signal }: Question, again: boolean): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { address, port, region } = shown;
    const [host, path] = [`${address}:${port}`, pathOf(shown, object)];
    const unsigned = { method, region, host, path, query: {}, body: NOTHING, time: signatureTime(new Date()) };
    const signed = sign(unsigned, keys.key, keys.secret);
    const sent = request({ agent, host: address, port, method, path, headers: { ...headers, ...signed }, signal }, resolve);
    sent.once("error", (error: NodeJS.ErrnoException) => {
      // The store let go of an idle connection in the moment it was used.
      const stale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      if (stale && again) send({ shown, keys, method, object, headers, signal }, false).then(resolve, reject);
      else reject(error);
    });
    sent.end();
  });

/** The answer's body is not read yet: the caller takes all of it, or lets go of it. */
export const askStore = (question: Question): Promise<IncomingMessage> => send(question, true);
