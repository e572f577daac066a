/**
 * Serves `dist/` as the gateway would: SPA fallback, strict content policy, `/api/` and `/ping`
 * passed on to a running API (API_URL, default port 8080 of this computer). PORT is 4173 by default.
 */
import { readFile } from "node:fs/promises";
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";

const root = join(import.meta.dirname, "dist");
const api = new URL(process.env.API_URL ?? "http://127.0.0.1:8080");
const port = Number(process.env.PORT ?? 4173);
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://site").pathname;
  if (path.startsWith("/api/") || path === "/ping") pass(request, response);
  else void serve(path, response);
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));

function pass(request: IncomingMessage, response: ServerResponse): void {
  const onward = ask(new URL(request.url ?? "/", api), { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.writeHead(502).end());
  request.pipe(onward);
}

async function serve(path: string, response: ServerResponse): Promise<void> {
  const file = extname(path) === "" ? "index.html" : normalize(path);
  const content = await readFile(join(root, file)).catch(() => undefined);
  if (content === undefined) return void response.writeHead(404).end();
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response
    .writeHead(200, { "Content-Type": type, "Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store" })
    .end(content);
}
