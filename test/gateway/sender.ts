/** Raw bytes over TLS, and the same wishes over HTTP/2. */
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:tls";
import type { Corpus } from "./requests.ts";

/** A connection that waits for the rest of a body is left after this long without a byte. What is plain never waits for one. */
const quietMs = ({ plain }: Corpus): number => (plain ? 30_000 : 400);

export const sendRaw = (port: number, request: Corpus): Promise<string> =>
  new Promise((resolve) => {
    const { serverName, bytes } = request;
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, servername: serverName, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
    socket.setEncoding("latin1").setTimeout(quietMs(request), () => socket.destroy());
    socket.once("secureConnect", () => socket.write(bytes));
    socket.on("data", (part: string) => (text += part));
    socket.on("error", () => {});
    socket.once("close", () => resolve(text));
  });

/** What HTTP/2 can say of a request: names in lower case, once each, and no framing. */
const toHttp2 = ({ method, host, path, headers, index }: Corpus): OutgoingHttpHeaders => {
  const plain = headers
    .map((header) => /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)$/.exec(header))
    .flatMap((found) => (found === null ? [] : [[(found[1] ?? "").toLowerCase(), found[2] ?? ""] as const]))
    .filter(
      ([name]) =>
        !["connection", "upgrade", "http2-settings", "transfer-encoding", "content-length", "te", "host", "x-corpus"].includes(name),
    );
  return {
    ":method": method || "GET",
    ":authority": host,
    ":path": path || "/",
    ...Object.fromEntries(plain),
    "x-corpus": String(index).padStart(6, "0"),
  };
};

export const openHttp2 = (port: number): ClientHttp2Session => {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, servername: "www.portfolio.test" });
  session.on("error", () => {});
  return session;
};

/** A session that ends can leave streams that Node never ends: then the session is given up. */
const DEADLINE_MS = 10_000;

/** @returns everything the answer says, or "" where there is none */
export const sendHttp2 = (session: ClientHttp2Session, request: Corpus): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    try {
      const stream = session.request(toHttp2(request), { endStream: true });
      const deadline = setTimeout(() => {
        session.destroy();
        resolve(text);
      }, DEADLINE_MS);
      stream.on("response", (headers) => {
        const { ":status": status, ...rest } = headers;
        text += `HTTP/1.1 ${status} \r\n${Object.entries(rest)
          .map(([name, value]) => `${name}: ${String(value)}\r\n`)
          .join("")}\r\n`;
      });
      stream.on("data", (part: Buffer) => (text += part.toString("latin1")));
      stream.on("error", () => {});
      stream.once("close", () => {
        clearTimeout(deadline);
        resolve(text);
      });
    } catch {
      // Node refuses to say it at all.
      resolve("");
    }
  });
