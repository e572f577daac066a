/** Bytes on the API socket: what a client sees of answers, limits and closed connections. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiRequest } from "../core/routes.ts";
import { startServer, type ApiServer } from "./server.ts";

const HEAD = "Server: Cloud Hypervisor API\r\nConnection: keep-alive\r\n";
const OK = `HTTP/1.1 200 \r\n${HEAD}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
const NO_CONTENT = `HTTP/1.1 204 \r\n${HEAD}\r\n`;

let folder = "";
let server: ApiServer;
let seen: ApiRequest[] = [];
/** Answers wait for it. */
let gate: Promise<void> = Promise.resolve();
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync("/tmp/croft-http-");
  seen = [];
  gate = Promise.resolve();
  server = await startServer(join(folder, "s"), async (request) => {
    seen.push(request);
    await gate;
    return request.method === "GET" ? { status: 200, body: "{}" } : { status: 204, body: undefined };
  });
});
afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (): Promise<{ readonly socket: Socket; readonly text: () => string; readonly closed: () => boolean }> =>
  new Promise((resolve) => {
    let text = "";
    let closed = false;
    const socket = connect({ path: join(folder, "s"), allowHalfOpen: true }, () =>
      resolve({ socket, text: () => text, closed: () => closed }),
    );
    sockets.push(socket);
    socket.on("data", (chunk) => (text += chunk));
    socket.on("close", () => (closed = true)).on("end", () => (closed = true));
    socket.on("error", () => {});
  });

test("answers have no reason, no length without content, and the connection stays", async () => {
  const { socket, text, closed } = await open();
  socket.write("GET /a?b=1 HTTP/1.1\r\n\r\nPUT /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  await expect.poll(text).toBe(OK + NO_CONTENT);
  expect(seen.map(({ path, body }) => [path, body])).toEqual([
    ["/a?b=1", undefined],
    ["/c", undefined],
  ]);
  expect(closed()).toBe(false);
});

test("a chunked body is not read, and what it left is no request", async () => {
  const { socket, text } = await open();
  socket.write("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
  await expect.poll(text).toContain(`{ "error": "Invalid request.\nAll previous unanswered requests will be dropped." }`);
  expect(seen.map(({ body }) => body)).toEqual([undefined]);
});

test("bodies up to 51200 bytes are taken, one more is refused and the connection goes on", async () => {
  const { socket, text } = await open();
  socket.write(`PUT /a HTTP/1.1\r\nContent-Length: 51200\r\n\r\n${"x".repeat(51_200)}`);
  await expect.poll(text).toBe(NO_CONTENT);
  expect(seen[0]?.body?.length).toBe(51_200);
  socket.write("PUT /a HTTP/1.1\r\nContent-Length: 51201\r\n\r\n");
  await expect.poll(text).toContain("HTTP/1.1 400 \r\nServer: Firecracker API\r\n");
  socket.write("GET /a HTTP/1.1\r\n\r\n");
  await expect.poll(text).toContain(OK);
});

test.each([
  ["request line", `GET /${"a".repeat(1020)} HTTP/1.1\r\n\r\n`],
  ["header", `GET /a HTTP/1.1\r\nX: ${"a".repeat(1030)}\r\n\r\n`],
])("a %s beyond 1024 bytes is refused", async (_what, bytes) => {
  const { socket, text } = await open();
  socket.write(bytes);
  await expect.poll(text).toMatch(/^HTTP\/1.1 400 /);
  expect(seen).toEqual([]);
});

test("who closes the sending half while an answer is made is gone, and gets none", async () => {
  const { socket, text, closed } = await open();
  let letGo = (): void => {};
  gate = new Promise((resolve) => (letGo = resolve));
  socket.end("GET /a HTTP/1.1\r\n\r\n");
  await expect.poll(closed).toBe(true);
  letGo();
  await new Promise((resolve) => setImmediate(resolve));
  expect(text()).toBe("");
});

test("Expect: 100-continue is answered before the body", async () => {
  const { socket, text } = await open();
  socket.write("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  await expect.poll(text).toMatch(/^HTTP\/1.1 100 /);
  socket.write("{}");
  await expect.poll(text).toContain(NO_CONTENT);
});
