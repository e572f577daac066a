/** Published services in a real nginx: who may do what, from where, and that bytes and names go on as they came. */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { Gateway, findNginxRoot, startUpstream } from "./gateway.fixture.ts";
import type { Answer, Ask, Upstream } from "./gateway.fixture.ts";
import { APP, makeModel } from "./portfolio.fixture.ts";
import { toHosts } from "./routes.ts";
import { servicesOf } from "./services.ts";

const root = findNginxRoot();
const reason = root === undefined ? " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)" : "";
const S3 = "www.portfolio.test";
const INSIDE = "127.0.0.2";
const ORIGIN = "https://cms.portfolio.test";
const SIGNED = "?X-Amz-Signature=abc";

const endpoint = (port: number): Endpoint => {
  const common = { from: [], demands: ["X-Amz-Signature"], free: ["app"] };
  return {
    name: "objects",
    machine: "data",
    port,
    protocol: "http",
    properties: {},
    secrets: [],
    needs: [],
    published: {
      host: S3,
      bodyMaxBytes: 1,
      timeoutSeconds: 5,
      dialect: "s3",
      places: [
        { ...common, path: "/shop-media", exact: true, methods: ["OPTIONS"] },
        { ...common, path: "/shop-media/", exact: false, methods: ["GET", "HEAD"], cors: [ORIGIN], bodyMaxBytes: 1000 },
        { ...common, path: "/shop-inbox/", exact: false, methods: ["GET", "HEAD", "PUT"], bodyMaxBytes: 2000 },
      ],
    },
  };
};

type Seen = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly digest: string };

describe.skipIf(root === undefined)(`published services${reason}`, () => {
  let gateway: Gateway;
  let upstream: Upstream;
  const seen: Seen[] = [];
  const ask = (path: string, extras: Ask = {}): Promise<Answer> => gateway.ask(path, { host: S3, ...extras });
  const status = async (path: string, extras: Ask = {}): Promise<number> => (await ask(path, extras)).status;

  beforeAll(async () => {
    upstream = await startUpstream((incoming, answer) => {
      const hash = createHash("sha256");
      incoming.on("data", (data: Buffer) => hash.update(data));
      incoming.on("end", () => {
        seen.push({ method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, digest: hash.digest("hex") });
        answer.setHeader("access-control-allow-origin", "*");
        answer.setHeader("content-type", "text/plain");
        answer.setHeader("etag", '"strong"');
        answer.end("x".repeat(5000));
      });
    });
    gateway = await Gateway.make(root ?? "");
    const address = (machine: string): string => (machine === "app" ? INSIDE : "127.0.0.1");
    await gateway.install(APP, { hosts: toHosts(makeModel([]), servicesOf([endpoint(upstream.port)], address)) });
    await gateway.certify("1");
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await upstream?.close();
  });
  beforeEach(() => void (seen.length = 0));

  test("from outside: reading what was signed, and nothing else", async () => {
    expect(await status(`/shop-media/a${SIGNED}`)).toBe(200);
    expect(await status(`/shop-media/a${SIGNED}`, { method: "HEAD" })).toBe(200);
    expect(await status("/shop-media/a")).toBe(403);
    expect(await status("/shop-media/a?X-Amz-Signature=")).toBe(403);
    expect(await status("/shop-media/a", { headers: { authorization: "AWS4-HMAC-SHA256 Credential=x" } })).toBe(403);
    for (const method of ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
      expect(await status(`/shop-media/a${SIGNED}`, { method })).toBe(405);
    expect(seen).toHaveLength(2);
  });

  test("from outside: the bucket itself, other buckets and the store's administration are not there", async () => {
    expect(await status(`/shop-media${SIGNED}`)).toBe(405);
    expect(await status(`/shop-media?list-type=2&X-Amz-Signature=a`)).toBe(405);
    expect(await status(`/shop-other/a${SIGNED}`)).toBe(404);
    expect(await status(`/${SIGNED}`)).toBe(404);
    expect(await status(`/minio/admin/v3/info${SIGNED}`, { from: INSIDE })).toBe(404);
    expect(seen).toEqual([]);
  });

  test("from the app's machine: every method, signed in a header", async () => {
    for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE"])
      expect(await status("/shop-media/a?uploads=", { method, from: INSIDE })).toBe(200);
    expect(await status("/shop-media?list-type=2", { from: INSIDE })).toBe(200);
    expect(await status("/shop-media", { from: INSIDE, method: "HEAD" })).toBe(200);
    expect(seen).toHaveLength(7);
  });

  test("another address inside the network stays outside", async () => {
    const headers = { "x-forwarded-for": INSIDE, "x-real-ip": INSIDE };
    expect(await status("/shop-media/a", { from: "127.0.0.3", headers })).toBe(403);
    expect(await status("/shop-media/a", { from: "127.0.0.3", method: "PUT" })).toBe(405);
  });

  test("PUT only where it is declared, and no larger than that bucket takes", async () => {
    const put = (path: string, size: number, from?: string) =>
      status(path, { method: "PUT", body: Buffer.alloc(size), ...(from === undefined ? {} : { from }) });
    expect(await put(`/shop-inbox/a${SIGNED}`, 2000)).toBe(200);
    expect(await put(`/shop-inbox/a${SIGNED}`, 2001)).toBe(413);
    expect(await put("/shop-inbox/a", 10)).toBe(403);
    expect(await put("/shop-media/a", 1000, INSIDE)).toBe(200);
    expect(await put("/shop-media/a", 1001, INSIDE)).toBe(413);
  });

  test("bytes, names and the host go on as they came", async () => {
    const body = randomBytes(1000);
    const path = "/shop-media/50%25%20of%20%231%3F%3B+a;b=%C3%A4?partNumber=1&uploadId=a%2Fb";
    const answer = await ask(path, { method: "PUT", body, from: INSIDE, headers: { "accept-encoding": "gzip" } });
    expect(answer.headers).toMatchObject({ etag: '"strong"', "content-type": "text/plain", "content-length": "5000" });
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(seen[0]).toMatchObject({ url: path, digest: createHash("sha256").update(body).digest("hex") });
    expect(seen[0]?.headers.host).toBe(S3);
  });

  test("refusals are in the words of S3", async () => {
    const large = await ask("/shop-media/a", { method: "PUT", body: Buffer.alloc(1001), from: INSIDE });
    expect(large.headers["content-type"]).toBe("application/xml");
    expect(large.body).toContain("<Code>EntityTooLarge</Code>");
    expect((await ask("/shop-media/a")).body).toContain("<Code>AccessDenied</Code>");
  });

  test("paths that climb into another bucket are refused", async () => {
    for (const path of [
      "/shop-media/../shop-inbox/a",
      "/shop-media/%2e%2e/shop-inbox/a",
      "/shop-media/.%2E/x",
      "/shop-media/a%2f..%2fb",
      "/shop-media//a",
      "/shop-media/a%5cb",
      "/shop-media/a%00",
    ])
      expect(await status(path + SIGNED, { from: INSIDE })).toBe(400);
    expect(seen).toEqual([]);
  });

  test("pages of declared origins may read, the store's own word on it is dropped", async () => {
    const from = (origin: string, extras: Ask = {}) => ask(`/shop-media/a${SIGNED}`, { headers: { origin }, ...extras });
    expect((await from(ORIGIN)).headers).toMatchObject({ "access-control-allow-origin": ORIGIN, vary: "Origin" });
    expect((await from("https://evil.test")).headers).not.toHaveProperty("access-control-allow-origin");
    const preflight = await from(ORIGIN, { method: "OPTIONS", headers: { origin: ORIGIN, "access-control-request-method": "GET" } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers["access-control-allow-methods"]).toBe("GET, HEAD");
    expect((await from("https://evil.test", { method: "OPTIONS" })).status).toBe(405);
    expect((await ask(`/shop-inbox/a${SIGNED}`, { headers: { origin: ORIGIN } })).headers).not.toHaveProperty(
      "access-control-allow-origin",
    );
  });
});
