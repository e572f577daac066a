/** Rules of routes in a real nginx, with the real gate behind it and an issuer over HTTPS. */
import { chown } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { App, Route, RouteRules } from "../provisioner/model/types.ts";
import { startGate } from "./gate/gate.fixture.ts";
import type { Gate } from "./gate/gate.fixture.ts";
import { Issuer } from "./gate/provider.fixture.ts";
import { Gateway, findNginxRoot, startUpstream } from "./gateway.fixture.ts";
import type { Answer, Ask, Upstream } from "./gateway.fixture.ts";
import { APP, makeModel } from "./portfolio.fixture.ts";
import { toHosts } from "./routes.ts";
import { gatePolicies } from "./rules.ts";

const root = findNginxRoot();
const reason = root === undefined ? " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)" : "";
const WWW = "www.portfolio.test";
const CMS = "cms.portfolio.test";
const ORIGIN = "https://www.portfolio.test";

const route = (host: string, path: string, rules: RouteRules, extras: Partial<Route> = {}): Route => ({
  host,
  path,
  exact: false,
  methods: [],
  query: {},
  target: { kind: "workload", workload: "api" },
  rules,
  ...extras,
});

const app: App = {
  ...APP,
  apiKey: { header: "X-Api-Key" },
  routes: [
    route(WWW, "/open/", {}),
    route(WWW, "/slow/", { timeoutSeconds: 1 }),
    route(WWW, "/big/", { bodyMaxBytes: 5 * 1_048_576 }),
    route(WWW, "/rate/", { rate: { requests: 5, per: "m" } }),
    route(WWW, "/few/", { connections: 2 }),
    route(WWW, "/never/", { cache: "off" }),
    route(WWW, "/short/", { cache: "short" }),
    route(WWW, "/ever/", { cache: "immutable" }),
    route(WWW, "/cors/", { cors: [ORIGIN], auth: { mode: "jwt" } }, { methods: ["GET", "PUT"] }),
    route(WWW, "/jwt/", { auth: { mode: "jwt", role: "portfolio-admin" } }),
    route(WWW, "/upload/", { auth: { mode: "jwt" }, bodyMaxBytes: 5 * 1_048_576 }),
    route(CMS, "/", { auth: { mode: "session", role: "portfolio-admin" } }, { target: { kind: "workload", workload: "site" } }),
    route(CMS, "/api/", { auth: { mode: "session", role: "portfolio-admin" } }),
  ],
};

type Seen = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly bytes: number };

describe.skipIf(root === undefined)(`rules of routes${reason}`, () => {
  let gateway: Gateway;
  let upstream: Upstream;
  let issuer: Issuer;
  let gate: Gate;
  const seen: Seen[] = [];
  const last = (): Seen => seen.at(-1) as Seen;
  const ask = (path: string, extras: Ask = {}): Promise<Answer> => gateway.ask(path, { host: WWW, ...extras });

  beforeAll(async () => {
    issuer = await Issuer.make();
    upstream = await startUpstream((incoming, answer) => {
      let bytes = 0;
      incoming.on("data", (data: Buffer) => (bytes += data.length));
      incoming.on("end", () => {
        seen.push({ method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers, bytes });
        const send = (): void => {
          answer.setHeader("cache-control", "public, max-age=7");
          answer.setHeader("access-control-allow-origin", "*");
          answer.end("{}");
        };
        if (/^\/(?:slow|few)\//.test(incoming.url ?? "")) setTimeout(send, incoming.url?.startsWith("/slow/") ? 3000 : 400);
        else send();
      });
    });
    gateway = await Gateway.make(root ?? "");
    await gateway.install(app);
    await gateway.certify("1");
    await gateway.key("1", 'proxy_set_header X-Api-Key "the-first-key";\n');
    await gateway.traffic("1", upstream.port);
    await gateway.release("portfolio-site", "1", { "index.html": "<h1>cms</h1>", "assets/a.js": "1" });
    await openGate();
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await gate?.stop();
    await upstream?.close();
    await issuer?.stop();
  });
  beforeEach(() => {
    seen.length = 0;
    issuer.roles = ["portfolio-admin"];
  });

  const openGate = async (): Promise<void> => {
    const policies = Object.fromEntries(
      gatePolicies(toHosts(makeModel([app]))).map(({ name, mode, role }) => [
        name,
        { mode, issuer: "portfolio", ...(role === undefined ? {} : { role }) },
      ]),
    );
    const issuers = { portfolio: { url: issuer.url, audience: "portfolio-api", rolesClaim: ["realm_access", "roles"], client: "gate" } };
    const folder = gateway.path("/run/croft-gate");
    gate = await startGate({ folder, issuers, policies, authority: issuer.authority });
    await chown(join(folder, "gate.sock"), 33, 33);
  };

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test("the key comes from the gateway alone, whatever a client sends", async () => {
    const headers = { "X-Api-Key": "mine", x_api_key: "mine", "X-Auth-Roles": "portfolio-admin", "X-Auth-Subject": "me" };
    expect((await ask("/open/a", { headers })).status).toBe(200);
    expect(last().headers["x-api-key"]).toBe("the-first-key");
    expect(last().headers).not.toHaveProperty("x-auth-roles");
    expect(last().headers).not.toHaveProperty("x-auth-subject");
    expect(last().headers).not.toHaveProperty("x_api_key");
  });

  test("a new key is used after a reload, and no file of it is for everybody", async () => {
    await gateway.key("2", 'proxy_set_header X-Api-Key "the-second-key";\n');
    expect(await gateway.reload()).toMatchObject({ ok: true });
    await ask("/open/a");
    expect(last().headers["x-api-key"]).toBe("the-second-key");
  });

  test("a bearer token: passed on with who it is, or refused before the workload hears of it", async () => {
    const good = await ask("/jwt/x", { headers: { ...bearer(issuer.token()), "X-Auth-Roles": "forged,more" } });
    expect(good.status).toBe(200);
    expect(last().headers).toMatchObject({
      "x-auth-subject": "person-1",
      "x-auth-roles": "portfolio-admin",
      "x-api-key": "the-second-key",
    });
    seen.length = 0;
    const none = await ask("/jwt/x");
    expect([none.status, none.headers["www-authenticate"], none.body]).toEqual([
      401,
      'Bearer realm="croft"',
      '{"errors":{"message":["sign in first"]}}\n',
    ]);
    expect((await ask("/jwt/x", { headers: bearer(issuer.token({ aud: "other" })) })).status).toBe(401);
    issuer.roles = ["ops-viewer"];
    expect((await ask("/jwt/x", { headers: bearer(issuer.token()) })).status).toBe(403);
    expect((await ask("/jwt/x", { method: "POST", body: "x".repeat(1000), headers: bearer("abc") })).status).toBe(401);
    expect((await ask("/_croft/gate/portfolio-jwt-x")).status).toBe(404);
    expect((await ask(`/_croft/gate/${gatePolicies(toHosts(makeModel([app])))[0]?.name}`)).status).toBe(404);
    expect(seen).toEqual([]);
  });

  test("a body larger than the route takes is refused, one that fits arrives whole", async () => {
    expect((await ask("/open/a", { method: "POST", body: Buffer.alloc(1_100_000) })).status).toBe(413);
    expect((await ask("/big/a", { method: "POST", body: Buffer.alloc(6_000_000) })).status).toBe(413);
    seen.length = 0;
    expect((await ask("/big/a", { method: "POST", body: Buffer.alloc(5_000_000) })).status).toBe(200);
    expect(last().bytes).toBe(5_000_000);
  });

  test("a large body is not too large for the question who sends it", async () => {
    const upload = (bytes: number) => ask("/upload/a", { method: "POST", body: Buffer.alloc(bytes), headers: bearer(issuer.token()) });
    expect((await upload(5_000_000)).status).toBe(200);
    expect([last().bytes, last().headers["x-auth-subject"]]).toEqual([5_000_000, "person-1"]);
    expect((await upload(6_000_000)).status).toBe(413);
    expect((await ask("/upload/a", { method: "POST", body: Buffer.alloc(5_000_000) })).status).toBe(401);
  });

  test("a workload that is silent for longer than its route allows", async () => {
    expect((await ask("/slow/a")).status).toBe(504);
  });

  test("a client that asks too often or too much at once", async () => {
    const often = await Promise.all(Array.from({ length: 12 }, () => ask("/rate/a")));
    const passed = often.filter(({ status }) => status === 200).length;
    expect([passed, often.filter(({ status }) => status === 429).length]).toEqual([6, 6]);
    const many = await Promise.all(Array.from({ length: 6 }, () => ask("/few/a")));
    expect(many.filter(({ status }) => status === 200).length).toBe(2);
    expect(many.filter(({ status }) => status === 429).length).toBe(4);
  });

  test("what caches may keep", async () => {
    const cache = async (path: string) => (await ask(path)).headers["cache-control"];
    expect(await cache("/open/a")).toBe("public, max-age=7");
    expect(await cache("/never/a")).toBe("no-store");
    expect(await cache("/short/a")).toBe("public, max-age=60");
    expect(await cache("/ever/a")).toBe("public, max-age=31536000, immutable");
  });

  test("other origins: asked before anybody signs in, answered to those named", async () => {
    const preflight = (origin: string) =>
      ask("/cors/a", { method: "OPTIONS", headers: { origin, "access-control-request-method": "PUT" } });
    const yes = await preflight(ORIGIN);
    expect(yes.status).toBe(204);
    expect(yes.headers).toMatchObject({
      "access-control-allow-origin": ORIGIN,
      "access-control-allow-methods": "GET, PUT",
      "access-control-allow-headers": "Authorization, Content-Type",
    });
    const no = await preflight("https://evil.test");
    expect(no.status).toBe(405);
    expect(no.headers).not.toHaveProperty("access-control-allow-origin");
    const got = await ask("/cors/a", { headers: { ...bearer(issuer.token()), origin: ORIGIN } });
    expect([got.status, got.headers["access-control-allow-origin"]]).toEqual([200, ORIGIN]);
    const other = await ask("/cors/a", { headers: { ...bearer(issuer.token()), origin: "https://evil.test" } });
    expect([other.status, other.headers["access-control-allow-origin"]]).toEqual([200, undefined]);
  });

  const visit = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get(url, { ca: issuer.authority }, (answer) => {
        answer.resume();
        resolve(answer.headers.location ?? "");
      }).on("error", reject);
    });
  const cms = (path: string, extras: Ask = {}): Promise<Answer> => gateway.ask(path, { host: CMS, ...extras });
  const cookies = (answer: Answer): string => (answer.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");
  const page = { accept: "text/html", "sec-fetch-mode": "navigate" };

  test("a session: a page leads to the sign-in and back, a script's request is answered with 401", async () => {
    expect(await cms("/api/x", { headers: { accept: "application/json" } })).toMatchObject({ status: 401 });
    const first = await cms("/projects/7?tab=2&x=%20y", { headers: page });
    expect([first.status, first.headers.location]).toEqual([302, "/_croft/session/login?to=/projects/7?tab=2&x=%20y"]);
    const login = await cms(String(first.headers.location), { headers: page });
    expect(login.status).toBe(302);
    const back = new URL(await visit(String(login.headers.location)));
    const done = await cms(back.pathname + back.search, { headers: { ...page, cookie: cookies(login) } });
    expect([done.status, done.headers.location]).toEqual([302, "/projects/7?tab=2&x=%20y"]);
    const cookie = cookies(done);
    expect((await cms("/projects/7", { headers: { ...page, cookie } })).body).toBe("<h1>cms</h1>");
    const call = await cms("/api/x", { headers: { cookie: `theme=dark; ${cookie}`, authorization: "Bearer forged" } });
    expect(call.status).toBe(200);
    expect(last().headers).toMatchObject({ cookie: "theme=dark", "x-auth-subject": "person-1", "x-auth-roles": "portfolio-admin" });
    expect(last().headers).not.toHaveProperty("authorization");
    seen.length = 0;
    const forged = await cms("/api/x", { method: "POST", body: "x", headers: { cookie, origin: "https://evil.test" } });
    expect([forged.status, seen.length]).toEqual([403, 0]);
    const out = await cms("/_croft/session/logout", { headers: { cookie } });
    expect([out.status, out.headers["set-cookie"]?.[0]?.includes("Max-Age=0")]).toEqual([302, true]);
  });

  test("a renewed session reaches the browser", async () => {
    issuer.lifetime = 5;
    const login = await cms("/_croft/session/login?to=/", { headers: page });
    const back = new URL(await visit(String(login.headers.location)));
    const done = await cms(back.pathname + back.search, { headers: { cookie: cookies(login) } });
    issuer.lifetime = 300;
    const call = await cms("/api/x", { headers: { cookie: cookies(done) } });
    expect([call.status, cookies(call).startsWith("__Host-croft-session=")]).toEqual([200, true]);
  });

  test("the issuer is down: a clear 503, and nothing passes; the gate is down: the same", async () => {
    await issuer.stop();
    issuer.rotate();
    // An unknown key makes the gate ask the issuer at most every two seconds; between, it is simply unknown.
    const status = async () => (await ask("/jwt/x", { headers: bearer(issuer.token()) })).status;
    await expect.poll(status, { timeout: 10_000, interval: 250 }).toBe(503);
    await issuer.start();
    await gate.stop();
    const gone = await ask("/jwt/x", { headers: bearer(issuer.token()) });
    await openGate();
    expect(gone.status).toBe(503);
    expect(gone.body).toBe('{"errors":{"message":["the service is not available"]}}\n');
    expect(seen).toEqual([]);
    expect(await status()).toBe(200);
  });

  test("a proxy in front may say who the client is, nobody else", async () => {
    const addresses = async (): Promise<string> => {
      await ask("/open/a", { headers: { "x-forwarded-for": "203.0.113.7" } });
      return String(last().headers["x-real-ip"]);
    };
    expect(await addresses()).toBe("127.0.0.1");
    await gateway.install(app, { behind: ["127.0.0.0/8"] });
    expect(await gateway.reload()).toMatchObject({ ok: true });
    expect(await addresses()).toBe("203.0.113.7");
  });
});
