/** Buckets by their routes, with real programs: nginx before the gate before the store, each told what a site would tell it. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createServer as createTcp } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGate } from "../nginx/gate/gate.fixture.ts";
import type { Gate } from "../nginx/gate/gate.fixture.ts";
import { Issuer } from "../nginx/gate/provider.fixture.ts";
import type { Shown } from "../nginx/gate/settings.ts";
import { Gateway, findNginxRoot } from "../nginx/gateway.fixture.ts";
import type { Answer, Ask } from "../nginx/gateway.fixture.ts";
import { makeModel } from "../nginx/portfolio.fixture.ts";
import { gatewayDomain } from "../nginx/resources.ts";
import { toHosts } from "../nginx/routes.ts";
import { gatePolicies } from "../nginx/rules.ts";
import type { App, BucketTarget, Model, Route, RouteRules } from "../provisioner/model/types.ts";
import { sign, signatureTime } from "../provisioner/transport/signature.ts";
import { REGION } from "../stacks/objects/names.ts";
import { renderIdentity } from "../stacks/objects/render.ts";
import { objectsDomain } from "../stacks/objects/resources.ts";
import { openS3, putObject } from "../stacks/objects/s3.ts";
import { PROGRAMS, bucketsOf, readersOf } from "../stacks/objects/section.ts";
import type { ProgramName } from "../stacks/objects/section.ts";
import { makeInside } from "../stacks/objects/testing/inside.fixture.ts";
import { MODEL, desireInput } from "../stacks/objects/testing/model.fixture.ts";
import { ADMIN, ObjectServer, findProgram, secretOf, skipReason } from "../stacks/objects/testing/server.fixture.ts";

const root = findNginxRoot();
const reasonOf = (program: ProgramName): string => {
  if (root === undefined) return " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)";
  return skipReason(program);
};
const MIB = 1024 ** 2;
const HOST = "www.portfolio.test";

const shown = (path: string, target: Partial<BucketTarget>, rules?: RouteRules, extras: Partial<Route> = {}): Route => ({
  host: HOST,
  path,
  exact: false,
  methods: [],
  query: {},
  target: { kind: "bucket", bucket: "media", prefix: "public/", index: "index.html", spa: false, ...target },
  ...(rules === undefined ? {} : { rules }),
  ...extras,
});
const APP: App = {
  name: "portfolio",
  workloads: [],
  buckets: ["media", "private"].map((name) => ({ name, cors: [], maxObjectBytes: 64 * MIB, upload: false })),
  routes: [
    shown("/", { notFound: "404.html" }),
    shown("/plain/", {}),
    shown("/docs", {}),
    shown("/only.txt", {}, undefined, { exact: true }),
    shown("/app/", { prefix: "app/", spa: true }),
    shown("/ever/", {}, { cache: "immutable" }),
    shown("/jwt/", {}, { auth: { mode: "jwt", role: "reader" } }),
    shown("/cms/", {}, { auth: { mode: "session" } }),
    shown("/mute/", { prefix: "mute/" }, { timeoutSeconds: 1 }),
    shown("/endless/", { prefix: "endless/" }),
    shown("/refused/", { prefix: "refused/" }),
    shown("/cors/", {}, { cors: ["https://shop.test"] }),
    shown("/writing/", {}, {}, { methods: ["GET", "PUT", "POST"] }),
  ],
};
const SITE: Model = { ...makeModel([APP]), machines: MODEL.machines, services: MODEL.services };

const portOf = (server: { address: () => unknown }): number => (server.address() as AddressInfo).port;
const digest = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");
const WORDS = (text: string): string => `{"errors":{"message":["${text}"]}}\n`;
const LARGE = randomBytes(32 * MIB);
const SCRIPT = "let a = 1;\n".repeat(500);

/** Sends for as long as somebody takes it. */
const makeEndless = () => {
  const state = { sent: 0, closed: 0 };
  const chunk = Buffer.alloc(65_536);
  const server = createServer((_incoming, answer) => {
    answer.writeHead(200, { "content-length": String(1024 * MIB), "content-type": "video/mp4", server: "MinIO", "x-amz-id-2": "x" });
    const more = (): void => {
      while (!answer.destroyed && answer.write(chunk)) state.sent += chunk.length;
    };
    answer.on("drain", more).on("close", () => (state.closed += 1));
    more();
  });
  return { server, state };
};

describe.each(PROGRAMS.map((name) => ({ name, title: `buckets of ${name}${reasonOf(name)}` })))("$title", ({ name }) => {
  const program = findProgram(name);
  const skipped = root === undefined || program === undefined;
  const input = desireInput({ model: SITE, artifacts: [name] });
  const { server: endless, state: endlessState } = makeEndless();
  const mute = createTcp(() => {});
  let gateway: Gateway;
  let store: ObjectServer;
  let gate: Gate;
  let issuer: Issuer;

  const ask = (path: string, extras: Ask = {}): Promise<Answer> => gateway.ask(path, { host: HOST, ...extras });
  const status = async (path: string, extras: Ask = {}): Promise<number> => (await ask(path, extras)).status;

  /** As the app writes, with its own key. */
  const put = async (bucket: string, object: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<void> => {
    const data = Buffer.from(body);
    const [host, path, key] = [`127.0.0.1:${store.port}`, `/portfolio-${bucket}/${object}`, `portfolio-${bucket}`];
    const unsigned = { method: "PUT", region: REGION, host, path, query: {}, body: data, time: signatureTime(new Date()) };
    const signed = sign(unsigned, key, secretOf(`objects/portfolio/${bucket}`));
    const answer = await fetch(`http://${host}${path}`, { method: "PUT", body: data, headers: { ...headers, ...signed } });
    if (!answer.ok) throw new Error(`${object}: ${answer.status} ${await answer.text()}`);
  };

  const putWithMetadata = async (key: string, body: string): Promise<void> => {
    const keys = { key: "portfolio-media", secret: secretOf("objects/portfolio/media") };
    const s3 = openS3({ endpoint: `http://127.0.0.1:${store.port}`, region: REGION, ...keys });
    await putObject(s3, { bucket: "portfolio-media", key, body: Buffer.from(body), type: "text/plain", metadata: { who: "me" } });
    s3.destroy();
  };

  const fill = async (): Promise<void> => {
    const html = { "content-type": "text/html; charset=utf-8" };
    await put("media", "public/index.html", "<h1>start</h1>", html);
    await put("media", "public/404.html", "<h1>lost</h1>", html);
    await put("media", "public/docs/index.html", "<h1>docs</h1>", html);
    await putWithMetadata("public/only.txt", "only");
    await put("media", "public/a.js", SCRIPT, { "content-type": "text/javascript", "cache-control": "max-age=9" });
    await put("media", "public/a%20b%2Bc%28%C3%A4%29.txt", "odd name", { "content-type": "text/plain" });
    await put("media", "public/large.bin", LARGE, { "content-type": "application/octet-stream" });
    await put("media", "public/packed.css", gzipSync("a {}"), { "content-type": "text/css", "content-encoding": "gzip" });
    await put("media", "app/index.html", "<h1>app</h1>", html);
    await put("media", "app/main.js", "1", { "content-type": "text/javascript" });
    await put("media", "secret.txt", "nobody's business");
    await put("private", "secret.txt", "nobody's business");
    await put("private", "public/only.txt", "another only");
  };

  /** What croft would put on the gateway's machine, but for the store's place. */
  const settings = () => {
    const { parts, resources } = gatewayDomain.desire({ ...input, endpoints: objectsDomain.publish(input) });
    const text = parts.find((part) => part.name === "gate")?.files.find(({ path }) => path.endsWith("/config.json"))?.content ?? "";
    const { buckets } = JSON.parse(text) as { buckets: Readonly<Record<string, Shown>> };
    const elsewhere: Readonly<Record<string, number>> = { "mute/": portOf(mute), "endless/": portOf(endless), "refused/": 1 };
    const here = Object.entries(buckets).map(([place, one]) => [
      place,
      { ...one, address: "127.0.0.1", port: elsewhere[one.prefix] ?? store.port },
    ]);
    const slot = resources.find(({ id }) => id === "slot/edge/gate");
    const { files = {} } = (slot?.payload ?? {}) as { files?: Readonly<Record<string, string>> };
    const keys = Object.entries(files).flatMap(([file, template]) => {
      const [, of] = /^bucket-(.+)$/.exec(file) ?? [];
      const filled = template.replaceAll(/\{\{secret ([^ }]+)[^}]*\}\}/g, (_all, secret: string) => secretOf(secret)).trim();
      const [key = "", secret = ""] = filled.split(" ");
      return of === undefined ? [] : [[of, { key, secret }] as const];
    });
    return { buckets: Object.fromEntries(here) as Readonly<Record<string, Shown>>, bucketKeys: Object.fromEntries(keys) };
  };

  const openGate = async (): Promise<void> => {
    const policies = gatePolicies(toHosts(SITE)).map(({ name: policy, mode, role }) => [
      policy,
      { mode, issuer: "portfolio", ...(role === undefined ? {} : { role }) },
    ]);
    const issuers = { portfolio: { url: issuer.url, audience: "portfolio-api", rolesClaim: ["realm_access", "roles"], client: "gate" } };
    const folder = gateway.path("/run/croft-gate");
    gate = await startGate({ folder, issuers, policies: Object.fromEntries(policies), authority: issuer.authority, ...settings() });
    await chown(join(folder, "gate.sock"), 33, 33);
  };

  beforeAll(async () => {
    if (skipped) return;
    for (const server of [mute, endless]) await once(server.listen(0, "127.0.0.1"), "listening");
    store = await ObjectServer.make(name, program, bucketsOf(SITE));
    const [identity = ""] = Object.values(renderIdentity(name, bucketsOf(SITE), readersOf(SITE)));
    store.writeIdentity(identity.replaceAll(/\{\{secret ([^}]+)\}\}/g, (_all, secret: string) => secretOf(secret)));
    await store.start();
    await makeInside(store, { model: SITE });
    await fill();
    issuer = await Issuer.make();
    gateway = await Gateway.make(root);
    await gateway.install(APP);
    await gateway.certify("1");
    await openGate();
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await gate?.stop();
    await issuer?.stop();
    await store?.destroy();
    endless.closeAllConnections();
    for (const server of [mute, endless]) server.close();
  });

  test.skipIf(skipped)("an object, as it was written, and nothing that is the store's own", async () => {
    const answer = await ask("/a.js");
    expect([answer.status, answer.body]).toEqual([200, SCRIPT]);
    expect(answer.headers).toMatchObject({
      "content-type": "text/javascript",
      "cache-control": "max-age=9",
      "content-length": String(SCRIPT.length),
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "content-security-policy": expect.stringContaining("default-src 'self'"),
      etag: expect.stringMatching(/^"[0-9a-f]+"$/),
      "last-modified": expect.stringMatching(/ GMT$/),
    });
    expect(answer.headers["server"]).toBe("nginx");
    const names = Object.keys((await ask("/only.txt")).headers);
    expect(names.filter((header) => /^x-(?:amz|minio|ratelimit|xss)|seaweed/.test(header))).toEqual([]);
    expect((await ask("/packed.css")).headers).toMatchObject({ "content-encoding": "gzip", "content-type": "text/css" });
    expect((await ask("/a%20b+c(%C3%A4).txt")).body).toBe("odd name");
    expect((await ask("/only.txt?versionId=1&response-content-type=text/html")).headers["content-type"]).toMatch(/^text\/plain/);
  });

  test.skipIf(skipped)("the index: of the bucket's root, of a folder, and never a list", async () => {
    expect((await ask("/")).body).toBe("<h1>start</h1>");
    expect((await ask("/plain/")).body).toBe("<h1>start</h1>");
    expect((await ask("/docs/")).body).toBe("<h1>start</h1>");
    expect((await ask("/plain/docs/")).body).toBe("<h1>docs</h1>");
    const folder = await ask("/docs");
    expect([folder.status, folder.headers.location]).toEqual([301, "/docs/"]);
    expect((await ask("/plain/docs")).status).toBe(404);
    for (const path of ["/?list-type=2", "/plain/?list-type=2&prefix=", "/?policy", "/?acl", "/?uploads"])
      expect((await ask(path)).body).toBe("<h1>start</h1>");
  });

  test.skipIf(skipped)("the whole path, where the route is exact", async () => {
    expect((await ask("/only.txt")).body).toBe("only");
    expect((await ask("/only.txt/")).status).toBe(404);
  });

  test.skipIf(skipped)("what is not there: the route's page, the gateway's words, or the index of a single-page site", async () => {
    const page = await ask("/lost.txt");
    expect([page.status, page.body, page.headers["cache-control"]]).toEqual([404, "<h1>lost</h1>", "no-store"]);
    expect(page.headers).not.toHaveProperty("etag");
    const conditional = await ask("/lost.txt", { headers: { range: "bytes=0-1", "if-none-match": "*" } });
    expect([conditional.status, conditional.body]).toEqual([404, "<h1>lost</h1>"]);
    const plain = await ask("/plain/lost.txt");
    expect([plain.status, plain.body, plain.headers["content-type"]]).toEqual([404, WORDS("not found"), "application/json"]);
    for (const path of ["/app/", "/app/works", "/app/works/7/"]) expect([path, (await ask(path)).body]).toEqual([path, "<h1>app</h1>"]);
    expect((await ask("/app/main.js")).body).toBe("1");
    expect(await status("/app/lost.js")).toBe(404);
  });

  test.skipIf(skipped)("HEAD says the same and has no body", async () => {
    const [get, head] = [await ask("/only.txt"), await ask("/only.txt", { method: "HEAD" })];
    expect([head.status, head.body]).toEqual([200, ""]);
    for (const header of ["etag", "last-modified", "content-type", "content-length"])
      expect([header, head.headers[header]]).toEqual([header, get.headers[header]]);
    for (const path of ["/lost.txt", "/plain/lost.txt"]) {
      const lost = await ask(path, { method: "HEAD" });
      expect([path, lost.status, lost.body]).toEqual([path, 404, ""]);
    }
    expect((await ask("/app/works", { method: "HEAD" })).headers["content-type"]).toMatch(/^text\/html/);
  });

  test.skipIf(skipped)("conditions: by tag, by date, and of what nginx compressed", async () => {
    const { headers } = await ask("/a.js");
    const [etag = "", modified = ""] = [headers.etag, headers["last-modified"]];
    const same = await ask("/a.js", { headers: { "if-none-match": etag } });
    expect([same.status, same.body, same.headers.etag]).toEqual([304, "", etag]);
    expect(await status("/a.js", { headers: { "if-none-match": '"another"' } })).toBe(200);
    expect(await status("/a.js", { headers: { "if-none-match": '"another"', "if-modified-since": modified } })).toBe(200);
    expect(await status("/a.js", { headers: { "if-modified-since": modified } })).toBe(304);
    expect(await status("/a.js", { headers: { "if-match": '"another"' } })).toBe(412);
    const packed = await ask("/a.js", { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers).toMatchObject({ "content-encoding": "gzip", etag: `W/${etag}` });
    expect(await status("/a.js", { headers: { "accept-encoding": "gzip", "if-none-match": `W/${etag}` } })).toBe(304);
  });

  test.skipIf(skipped)("ranges, and If-Range", async () => {
    const part = await ask("/only.txt", { headers: { range: "bytes=1-2" } });
    expect([part.status, part.body, part.headers["content-range"], part.headers["content-length"]]).toEqual([
      206,
      "nl",
      "bytes 1-2/4",
      "2",
    ]);
    expect((await ask("/only.txt", { headers: { range: "bytes=-2" } })).body).toBe("ly");
    const beyond = await ask("/only.txt", { headers: { range: "bytes=100-" } });
    expect([beyond.status, beyond.body]).toEqual([416, WORDS("there is no such range")]);
    expect(await status("/only.txt", { headers: { range: "bytes=0-0,2-3" } })).toBe(200);
    const etag = (await ask("/only.txt")).headers.etag ?? "";
    expect(await status("/only.txt", { headers: { range: "bytes=1-2", "if-range": etag } })).toBe(206);
    const changed = await ask("/only.txt", { headers: { range: "bytes=1-2", "if-range": '"another"' } });
    expect([changed.status, changed.body]).toEqual([200, "only"]);
    expect(await status("/only.txt", { headers: { range: "bytes=1-2", "if-range": "Thu, 01 Jan 2015 00:00:00 GMT" } })).toBe(200);
  });

  test.skipIf(skipped)("nothing is written", async () => {
    for (const method of ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"]) {
      for (const path of ["/only.txt", "/writing/only.txt", "/app/main.js"]) {
        const answer = await ask(path, { method, ...(method === "OPTIONS" ? {} : { body: "x" }) });
        expect([method, path, answer.status, answer.headers["allow"]]).toEqual([method, path, 405, "GET, HEAD"]);
      }
    }
    expect((await ask("/only.txt")).body).toBe("only");
  });

  test.skipIf(skipped)("no way leads out of the prefix or into another bucket", async () => {
    const climbing = [
      "/../secret.txt",
      "/%2e%2e/secret.txt",
      "/plain/../../secret.txt",
      "/plain/..%2fsecret.txt",
      "/plain/%252e%252e/secret.txt",
      "/plain/..;/secret.txt",
      "/plain/..\\secret.txt",
      "/plain//secret.txt",
      "/plain/%00secret.txt",
      "/plain/a%0d%0ax-amz-copy-source:%20b",
      "/plain/%c0%ae%c0%ae/secret.txt",
    ];
    for (const path of climbing) expect([path, await status(path)]).toEqual([path, 400]);
    for (const path of ["/secret.txt", "/plain/secret.txt", "/plain/portfolio-private/secret.txt", "/plain/%E0%A4%A"]) {
      const answer = await ask(path);
      expect([path, [400, 404].includes(answer.status), answer.body.includes("business")]).toEqual([path, true, false]);
    }
  });

  test.skipIf(skipped)("the gateway's key reads below the prefixes and does nothing else", async () => {
    const [{ key, secret } = { key: "", secret: "" }] = Object.values(settings().bucketKeys);
    const by = async (method: string, path: string, query: Readonly<Record<string, string>> = {}): Promise<number> => {
      const host = `127.0.0.1:${store.port}`;
      const body = Buffer.alloc(0);
      const headers = sign({ method, region: REGION, host, path, query, body, time: signatureTime(new Date()) }, key, secret);
      return (await fetch(`http://${host}${path}`, { method, headers })).status;
    };
    expect(await by("GET", "/portfolio-media/public/only.txt")).toBe(200);
    for (const [method, path] of [
      ["GET", "/portfolio-private/public/only.txt"],
      ["GET", "/portfolio-private"],
      ["PUT", "/portfolio-media/public/new.txt"],
      ["DELETE", "/portfolio-media/public/only.txt"],
      ...(name === "minio" ? [["GET", "/portfolio-media/secret.txt"] as const] : [["GET", "/portfolio-media"] as const]),
    ] as const)
      expect([method, path, await by(method, path)]).toEqual([method, path, 403]);
    expect(gate.log()).not.toContain(secret);
    expect(secret).not.toBe(ADMIN);
  });

  test.skipIf(skipped)("rules hold as on other routes: who asks, and caches", async () => {
    expect(await status("/jwt/only.txt")).toBe(401);
    expect(await status("/jwt/only.txt", { headers: { authorization: "Bearer forged" } })).toBe(401);
    issuer.roles = ["somebody"];
    expect(await status("/jwt/only.txt", { headers: { authorization: `Bearer ${issuer.token()}` } })).toBe(403);
    issuer.roles = ["reader"];
    const passed = await ask("/jwt/only.txt", { headers: { authorization: `Bearer ${issuer.token()}` } });
    expect([passed.status, passed.body]).toEqual([200, "only"]);
    expect(await status("/cms/only.txt", { headers: { accept: "text/html" } })).toBe(302);
    expect((await ask("/ever/a.js")).headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect((await ask("/ever/lost.js")).headers["cache-control"]).toBeUndefined();
  });

  test.skipIf(skipped)("pages of declared origins may read", async () => {
    const from = (origin: string, method = "GET") => ask("/cors/only.txt", { method, headers: { origin } });
    const answer = await from("https://shop.test");
    expect([answer.body, answer.headers["access-control-allow-origin"]]).toEqual(["only", "https://shop.test"]);
    const preflight = await from("https://shop.test", "OPTIONS");
    expect([preflight.status, preflight.headers["access-control-allow-methods"]]).toEqual([204, "GET, HEAD"]);
    expect((await from("https://evil.test")).headers).not.toHaveProperty("access-control-allow-origin");
  });

  test.skipIf(skipped)("the gate's own place for a bucket is reached by no address and no header", async () => {
    const [place = ""] = Object.keys(settings().buckets);
    for (const path of [`/_croft/session/bucket/${place}/only.txt`, `/_croft/session/bucket/${place}/`]) {
      for (const headers of [{}, { "x-croft-policy": "" }, { "x-croft-bucket": place }]) expect(await status(path, { headers })).toBe(404);
    }
    const odd = {
      "x-croft-policy": "x",
      host: HOST,
      "x-amz-copy-source": "/portfolio-private/secret.txt",
      "x-original-uri": "/secret.txt",
    };
    expect((await ask("/plain/only.txt", { headers: odd })).body).toBe("only");
  });

  /** The answer as it begins; nothing of its body is taken. */
  const open = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: gateway.ports.https, servername: HOST, ca: gateway.authority.root.certificate };
      request({ ...options, path, headers: { host: HOST }, agent: false }, resolve)
        .once("error", reject)
        .end();
    });

  test.skipIf(skipped)("a large object comes whole, several at once", async () => {
    const take = async (): Promise<string> => {
      const hash = createHash("sha256");
      for await (const part of await open("/plain/large.bin")) hash.update(part as Buffer);
      return hash.digest("hex");
    };
    expect(new Set(await Promise.all([take(), take(), take()]))).toEqual(new Set([digest(LARGE)]));
  });

  test.skipIf(skipped)("who takes nothing is sent nothing, and who goes is forgotten", async () => {
    const before = endlessState.closed;
    const answer = await open("/endless/film.mp4");
    expect(answer.headers).toMatchObject({ "content-type": "video/mp4", server: "nginx" });
    expect(answer.headers).not.toHaveProperty("x-amz-id-2");
    for (let last = -1; last !== endlessState.sent; await wait(300)) last = endlessState.sent;
    expect(endlessState.sent).toBeLessThan(64 * MIB);
    answer.destroy();
    while (endlessState.closed === before) await wait(20);
    expect(endlessState.sent).toBeLessThan(64 * MIB);
  });

  test.skipIf(skipped)("a store that goes in the middle of an object: what was begun does not look whole", async () => {
    const answer = await open("/endless/film.mp4");
    const broken = once(answer, "error");
    endless.closeAllConnections();
    answer.resume();
    expect(String((await broken)[0])).toContain("aborted");
    expect(await status("/only.txt")).toBe(200);
  });

  test.skipIf(skipped)("a store that says nothing: 504 in the route's time; one that refuses: 502", async () => {
    const late = await ask("/mute/a.txt");
    expect([late.status, late.body, late.headers["cache-control"]]).toEqual([504, WORDS("the service took too long"), "no-store"]);
    const refused = await ask("/refused/a.txt");
    expect([refused.status, refused.body]).toEqual([502, WORDS("the service does not answer")]);
    expect(await status("/only.txt")).toBe(200);
  });

  test.skipIf(skipped)("a store that dies and comes back", async () => {
    await store.stop("SIGKILL");
    const down = await ask("/only.txt");
    expect([down.status, down.body]).toEqual([502, WORDS("the service does not answer")]);
    await store.start();
    for (let tries = 0; tries < 50 && (await status("/only.txt")) !== 200; tries += 1) await wait(100);
    expect((await ask("/only.txt")).body).toBe("only");
  });

  test.skipIf(skipped)("a gate that is told to stop waits for no download", async () => {
    const answer = await open("/endless/film.mp4");
    const broken = once(answer, "error");
    await gate.stop();
    answer.resume();
    expect(String((await broken)[0])).toContain("aborted");
    await openGate();
  });

  test.skipIf(skipped)("without the gate: 502, and it comes back", async () => {
    await gate.stop();
    expect((await ask("/only.txt")).body).toBe(WORDS("the service does not answer"));
    await openGate();
    expect((await ask("/only.txt")).body).toBe("only");
  });
});
