/** What the gateway does for one host: static files, and an API behind a token or open to readers. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

export type Door = {
  /** Folder of the built front end; its `config.json` is answered with `config`. */
  readonly root: string;
  readonly config: unknown;
  readonly policy: string;
  readonly api: string;
  /** Headers for the API, or the status with which to refuse. */
  readonly admit: (request: IncomingMessage) => Readonly<Record<string, string>> | number;
  /** Bytes a second for request bodies, so that a test can see them move. */
  readonly pace?: () => number;
};
export type Gateway = { readonly origin: string; readonly close: () => Promise<void> };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export async function startGateway(makeDoor: (origin: string) => Door): Promise<Gateway> {
  let door: Door | undefined;
  const server = createServer((request, response) => {
    if (door === undefined) return void response.writeHead(503).end();
    const path = new URL(request.url ?? "/", "http://gateway").pathname;
    if (path.startsWith("/api/")) pass(door, request, response);
    else void serve(door, path, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  door = makeDoor(origin);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { origin, close };
}

function pass(door: Door, request: IncomingMessage, response: ServerResponse): void {
  const admitted = door.admit(request);
  if (typeof admitted === "number") {
    request.resume();
    return void response
      .writeHead(admitted, { "Content-Type": "application/json" })
      .end('{"errors":{"message":["refused by the gateway"]}}');
  }
  const { "x-api-key": _key, "x-auth-roles": _roles, ...headers } = request.headers;
  const onward = ask(new URL(request.url ?? "/", door.api), { method: request.method, headers: { ...headers, ...admitted } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on("close", () => onward.destroy());
  void pour(request, onward, door.pace ?? (() => Infinity));
}

async function pour(request: IncomingMessage, onward: ReturnType<typeof ask>, pace: () => number): Promise<void> {
  try {
    for await (const chunk of request) {
      if (!onward.write(chunk)) await once(onward, "drain");
      const delay = ((chunk as Buffer).length / pace()) * 1000;
      if (delay >= 1) await new Promise((resolve) => setTimeout(resolve, delay));
    }
    onward.end();
  } catch {
    onward.destroy();
  }
}

async function serve(door: Door, path: string, response: ServerResponse): Promise<void> {
  const headers = { "Content-Security-Policy": door.policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
  if (path === "/config.json") {
    return void response.writeHead(200, { ...headers, "Content-Type": "application/json" }).end(JSON.stringify(door.config));
  }
  const file = extname(path) === "" ? "index.html" : normalize(path);
  const content = await readFile(join(door.root, file)).catch(() => undefined);
  if (content === undefined) return void response.writeHead(404, headers).end();
  response.writeHead(200, { ...headers, "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
}
