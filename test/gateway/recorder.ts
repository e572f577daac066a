/** An upstream that reads strictly and keeps what it was sent, byte by byte. */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export type Header = readonly [name: string, value: string];
export type Seen = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  /** Something that no careful sender writes; empty: well formed. */
  readonly fault: string;
};

export const valuesOf = ({ headers }: Pick<Seen, "headers">, name: string): readonly string[] =>
  headers.filter(([found]) => found.toLowerCase() === name).map(([, value]) => value);

const HEAD_END = "\r\n\r\n";
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[\x21-\xff]*) HTTP\/1\.1$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/;

const readHead = (head: string): Seen => {
  const [first = "", ...lines] = head.split("\r\n");
  const request = REQUEST_LINE.exec(first);
  const headers = lines.map((line) => HEADER_LINE.exec(line));
  const wrong = request === null ? first : lines.find((_, index) => headers[index] === null);
  return {
    method: request?.[1] ?? "",
    target: request?.[2] ?? "",
    headers: headers.flatMap((found) => (found === null ? [] : [[found[1] ?? "", found[2] ?? ""] as const])),
    fault: wrong === undefined ? "" : `a line that is none: ${JSON.stringify(wrong)}`,
  };
};

/** Where the body ends, from where it starts; undefined: not all of it is here. @throws Error where nobody can tell */
const endOfBody = (text: string, start: number, seen: Seen): number | undefined => {
  const lengths = valuesOf(seen, "content-length");
  const encodings = valuesOf(seen, "transfer-encoding");
  if (lengths.length + encodings.length > 1) throw new Error(`framed twice: ${JSON.stringify([lengths, encodings])}`);
  if (encodings.length === 1) return endOfChunks(text, start, encodings[0] ?? "");
  const [length = "0"] = lengths;
  if (!/^[0-9]+$/.test(length)) throw new Error(`a length of ${JSON.stringify(length)}`);
  const end = start + Number(length);
  return text.length < end ? undefined : end;
};

const endOfChunks = (text: string, start: number, encoding: string): number | undefined => {
  if (encoding !== "chunked") throw new Error(`encoded ${JSON.stringify(encoding)}`);
  for (let at = start; ;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = text.slice(at, line);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new Error(`a chunk of ${JSON.stringify(size.slice(0, 40))}`);
    at = line + 2 + Number.parseInt(size, 16) + 2;
    if (text.length < at) return undefined;
    if (text.slice(at - 2, at) !== "\r\n") throw new Error("a chunk that does not end");
    if (Number.parseInt(size, 16) === 0) return at;
  }
};

const answer = (seen: Seen): string => {
  const body = seen.method === "HEAD" ? "" : "{}";
  const echo = valuesOf(seen, "x-corpus")[0] ?? "none";
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Corpus-Seen: ${echo}\r\n\r\n${body}`;
};

export class Recorder {
  readonly seen: Seen[] = [];
  readonly #server: Server = createServer((socket) => this.#read(socket));

  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    await new Promise<void>((resolve) => recorder.#server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #read(socket: Socket): void {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (part: string) => {
      text += part;
      for (let end = this.#take(text, socket); end > 0; end = this.#take(text, socket)) text = text.slice(end);
    });
  }

  /** @returns how much of the text one whole request was; 0: not all of one is here */
  #take(text: string, socket: Socket): number {
    const head = text.indexOf(HEAD_END);
    if (head < 0) return 0;
    const seen = readHead(text.slice(0, head));
    try {
      const end = endOfBody(text, head + HEAD_END.length, seen);
      if (end === undefined) return 0;
      this.seen.push(seen);
      socket.write(answer(seen));
      return end;
    } catch (error) {
      this.seen.push({ ...seen, fault: seen.fault || (error instanceof Error ? error.message : String(error)) });
      socket.destroy();
      return 0;
    }
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}
