/** The gate as the machine runs it: a program of its own on a socket, against an issuer over HTTPS. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { get } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SESSION_COOKIE } from "./cookies.ts";
import { Issuer, encode, sign } from "./provider.fixture.ts";

const HOST = "cms.portfolio.test";
const COOKIE_KEY = "a-cookie-key-that-is-long-enough";
let folder = "";
let issuer: Issuer;
let slashed: Issuer;
let gate: ChildProcess;

const authorities = (): string => [issuer, slashed].map(({ authority }) => authority).join("\n");

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };
type Headers = Readonly<Record<string, string>>;

const ask = (path: string, headers: Headers = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: join(folder, "gate.sock"), path, headers: { Host: HOST, "X-Croft-Method": "GET", ...headers } },
      (answer) => {
        let body = "";
        answer.on("data", (part) => (body += String(part)));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      },
    );
    sent.on("error", reject).end();
  });

const bearer = (token: string, policy = "write"): Promise<Answer> =>
  ask("/check", { "X-Croft-Policy": policy, Authorization: `Bearer ${token}` });

const startGate = (): Promise<void> =>
  new Promise((resolve, reject) => {
    gate = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), join(folder, "config.json"), `${folder}/`], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    gate.stderr?.on("data", (part) => (errors += String(part)));
    gate.stdout?.on("data", (part) => String(part).includes("the gate answers") && resolve());
    gate.once("exit", (code) => reject(new Error(`the gate exited ${code}: ${errors}`)));
  });

/** Holds the socket as systemd does, starts the gate with it, and takes no connection itself, since it is stopped. */
const HOLDER = `
import { spawn } from "node:child_process";
import { createServer } from "node:net";
const [program, socket, config, secrets] = process.argv.slice(1);
const server = createServer();
server.listen(socket, () => {
  const environment = { ...process.env, LISTEN_FDS: "1" };
  const gate = spawn(process.execPath, [program, config, secrets], { env: environment, stdio: ["ignore", "inherit", "inherit", server._handle.fd] });
  console.log("pid " + gate.pid);
  process.kill(process.pid, "SIGSTOP");
});
`;

const holdGate = async (socket: string): Promise<{ readonly stop: () => Promise<void>; readonly letGo: () => void }> => {
  const words = [join(import.meta.dirname, "main.ts"), socket, join(folder, "config.json"), `${folder}/`];
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", HOLDER, ...words], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const part of holder.stdout.iterator({ destroyOnReturn: false }))
    if ((said += String(part)).includes("the gate answers")) break;
  const pid = Number(/^pid (\d+)$/m.exec(said)?.[1]);
  return {
    stop: async () => {
      process.kill(pid, "SIGTERM");
      // Its parent is stopped, so that it stays as a zombie.
      while (!/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) await setTimeout(20);
    },
    letGo: () => holder.kill("SIGKILL"),
  };
};

const stopGate = (): Promise<unknown> => {
  const ended = new Promise((resolve) => gate.removeAllListeners("exit").once("exit", resolve));
  gate.kill("SIGTERM");
  return ended;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "croft-gate-"));
  issuer = await Issuer.make();
  slashed = await Issuer.make();
  slashed.slash = true;
  const policies = {
    write: { mode: "jwt", issuer: "portfolio", role: "portfolio-admin" },
    anybody: { mode: "jwt", issuer: "portfolio" },
    cms: { mode: "session", issuer: "portfolio", role: "portfolio-admin" },
    nowhere: { mode: "jwt", issuer: "nowhere" },
    slashed: { mode: "jwt", issuer: "slashed" },
    desk: { mode: "session", issuer: "slashed" },
  };
  const settings = { audience: "portfolio-api", rolesClaim: ["realm_access", "roles"], client: "cms" };
  const issuers = {
    portfolio: { ...settings, url: issuer.url },
    nowhere: { ...settings, url: "https://127.0.0.1:1/realms/none" },
    slashed: { ...settings, url: slashed.name },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify({ socket: join(folder, "gate.sock"), issuers, policies }));
  writeFileSync(join(folder, "cookie-key"), COOKIE_KEY, { mode: 0o600 });
  writeFileSync(join(folder, "ca.pem"), authorities());
  await startGate();
});
afterAll(async () => {
  await stopGate();
  await issuer.stop();
  await slashed.stop();
  rmSync(folder, { recursive: true, force: true });
});

const cookieOf = (answer: Answer, name: string): string => {
  const found = (answer.headers["set-cookie"] ?? []).find((cookie) => cookie.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`no cookie ${name} in ${JSON.stringify(answer.headers)}`);
  expect(found).toMatch(/; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax$/);
  return found.split(";")[0] ?? "";
};

/** What the browser does with the address of the issuer: it is signed in there already. */
const visit = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { ca: authorities() }, (answer) => {
      answer.resume();
      resolve(answer.headers.location ?? "");
    }).on("error", reject);
  });

const signIn = async (
  to = "/projects",
  policy = "cms",
): Promise<{ readonly cookie: string; readonly to: string; readonly back: string; readonly login: string }> => {
  const start = await ask(`/login?to=${to}`, { "X-Croft-Policy": policy });
  expect(start.status).toBe(302);
  const login = cookieOf(start, "__Host-croft-login");
  const back = new URL(await visit(start.headers.location ?? ""));
  expect(back.origin + back.pathname).toBe(`https://${HOST}/_croft/session/callback`);
  const done = await ask(`/callback${back.search}`, { "X-Croft-Policy": policy, Cookie: login });
  expect(done.status).toBe(302);
  return { cookie: cookieOf(done, SESSION_COOKIE), to: done.headers.location ?? "", back: back.search, login };
};

const session = (cookie: string, headers: Headers = {}): Promise<Answer> =>
  ask("/check", { "X-Croft-Policy": "cms", Cookie: cookie, ...headers });

beforeEach(() => {
  issuer.roles = ["portfolio-admin"];
  issuer.lifetime = 300;
});

describe("a bearer token", () => {
  test("of somebody with the role passes, and says who it is", async () => {
    const answer = await bearer(issuer.token({ email: "me@portfolio.test" }));
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "x-auth-subject": "person-1",
      "x-auth-roles": "portfolio-admin",
      "x-auth-email": "me@portfolio.test",
    });
  });

  test("of an issuer whose name ends in a slash passes where its name does, and there alone; people sign in there", async () => {
    expect((await bearer(slashed.token(), "slashed")).status).toBe(204);
    expect((await bearer(slashed.token({ iss: slashed.url }), "slashed")).status).toBe(401);
    const { cookie } = await signIn("/", "desk");
    expect((await ask("/check", { "X-Croft-Policy": "desk", Cookie: cookie })).status).toBe(204);
  });

  test("may be answered from memory for five seconds, never beyond its end; a refusal or a session never", async () => {
    const kept = async (exp: number) =>
      Number((await bearer(issuer.token({ exp: Math.floor(Date.now() / 1000) + exp }))).headers["x-accel-expires"]);
    expect(await kept(300)).toBe(5);
    expect([1, 2]).toContain(await kept(3));
    expect(await kept(-1)).toBe(0);
    issuer.roles = [];
    expect((await bearer(issuer.token())).headers["x-accel-expires"]).toBeUndefined();
    expect((await bearer("abc")).headers["x-accel-expires"]).toBeUndefined();
    issuer.roles = ["portfolio-admin"];
    expect((await session((await signIn()).cookie)).headers["x-accel-expires"]).toBeUndefined();
  });

  test("without the role is forbidden where the route demands one", async () => {
    issuer.roles = ["ops-viewer", "a,b\nX-Evil: 1"];
    expect((await bearer(issuer.token())).status).toBe(403);
    const answer = await bearer(issuer.token(), "anybody");
    expect(answer.status).toBe(204);
    expect(answer.headers["x-auth-roles"]).toBe("ops-viewer");
  });

  const past = Math.floor(Date.now() / 1000) - 60;
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const forgeries: Readonly<Record<string, () => string>> = {
    "that expired": () => issuer.token({ exp: past }),
    "from the future": () => issuer.token({ nbf: past + 3600 }),
    "without an end": () => issuer.token({ exp: undefined }),
    "for another audience": () => issuer.token({ aud: "grafana" }),
    "of another issuer": () => issuer.token({ iss: "https://evil.test/realms/portfolio" }),
    "for nobody": () => issuer.token({ sub: undefined }),
    "that is an ID token": () => issuer.token({ typ: "ID" }),
    "that is a refresh token": () => issuer.token({ typ: "Refresh" }),
    "with alg none": () => `${encode({ alg: "none", typ: "JWT" })}.${encode(issuer.claims())}.`,
    "with alg None and a signature": () => `${encode({ alg: "None", typ: "JWT" })}.${encode(issuer.claims())}.AAAA`,
    "signed with the public key as a shared secret": () => {
      const text = `${encode({ alg: "HS256", typ: "JWT", kid: issuer.keys[0]?.id })}.${encode(issuer.claims())}`;
      return `${text}.${createHmac("sha256", JSON.stringify(issuer.keys[0]?.jwk)).update(text).digest("base64url")}`;
    },
    "signed by somebody else under the known key's name": () =>
      sign({ id: issuer.keys[0]?.id ?? "", privateKey: stranger, jwk: {} }, issuer.claims()),
    "signed with a key nobody published": () => sign({ id: "unknown", privateKey: stranger, jwk: {} }, issuer.claims()),
    "whose claims were changed": () => {
      const [head, , signature] = issuer.token().split(".");
      return `${head}.${encode(issuer.claims({ sub: "admin" }))}.${signature}`;
    },
    "that is no token": () => "abc",
  };
  test.each(Object.entries(forgeries))("%s is refused", async (_name, make) => {
    const answer = await bearer(make(), "anybody");
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="croft", error="invalid_token"');
    expect(answer.headers["x-auth-subject"]).toBeUndefined();
  });

  test("none at all, or another scheme, is refused", async () => {
    expect((await ask("/check", { "X-Croft-Policy": "write" })).headers["www-authenticate"]).toBe('Bearer realm="croft"');
    expect((await ask("/check", { "X-Croft-Policy": "write", Authorization: "Basic YTpi" })).status).toBe(401);
  });

  test("a policy that the gate does not know lets nobody through", async () => {
    expect((await bearer(issuer.token(), "other")).status).toBe(500);
    expect((await bearer(issuer.token(), "toString")).status).toBe(500);
  });

  test("an issuer that never answered: 503", async () => {
    expect((await bearer(issuer.token(), "nowhere")).status).toBe(503);
  });

  test("keys that the issuer replaced: the new one counts at once", async () => {
    const old = issuer.token();
    expect((await bearer(old)).status).toBe(204);
    issuer.rotate();
    // At most every two seconds does an unknown key make the gate ask again.
    await expect.poll(async () => (await bearer(issuer.token())).status, { timeout: 10_000 }).toBe(204);
    expect((await bearer(old)).status).toBe(401);
  });

  test("an issuer that is down: known keys go on, an unknown one is 503, and all is well when it is back", async () => {
    const known = issuer.token();
    expect((await bearer(known)).status).toBe(204);
    await issuer.stop();
    expect((await bearer(known)).status).toBe(204);
    issuer.rotate();
    await expect.poll(async () => (await bearer(issuer.token())).status, { timeout: 10_000 }).toBe(503);
    await issuer.start();
    await expect.poll(async () => (await bearer(issuer.token())).status, { timeout: 10_000 }).toBe(204);
  });
});

describe("a session", () => {
  test("signing in leads back to the page that was asked for", async () => {
    const { cookie, to } = await signIn("/projects?page=2");
    expect(to).toBe("/projects?page=2");
    const answer = await session(`theme=dark; ${cookie}`);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      "x-auth-subject": "person-1",
      "x-auth-roles": "portfolio-admin",
      "x-croft-cookie": "theme=dark",
    });
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  test.each(["https://evil.test/", "//evil.test", "/\\evil.test", "/_croft/session/logout", "javascript:alert(1)"])(
    "never leads to %j",
    async (to) => {
      expect((await signIn(to)).to).toBe("/");
    },
  );

  test("nobody is signed in without the cookie, with another's, or with one that was changed", async () => {
    const { cookie } = await signIn();
    expect((await ask("/check", { "X-Croft-Policy": "cms" })).status).toBe(401);
    expect((await session(`${SESSION_COOKIE}=abc`)).status).toBe(401);
    expect((await session(`${cookie.slice(0, -6)}AAAAAA`)).status).toBe(401);
    expect((await session(cookie.replace("session", "login"))).status).toBe(401);
  });

  test("a code without the cookie of its attempt, or used twice, signs nobody in", async () => {
    const { back, login } = await signIn();
    expect((await ask(`/callback${back}`, { "X-Croft-Policy": "cms" })).status).toBe(400);
    expect((await ask(`/callback${back}`, { "X-Croft-Policy": "cms", Cookie: login })).status).toBe(400);
    const other = await ask("/login?to=/", { "X-Croft-Policy": "cms" });
    const answer = await ask(`/callback${back}`, { "X-Croft-Policy": "cms", Cookie: cookieOf(other, "__Host-croft-login") });
    expect(answer.status).toBe(400);
  });

  test("what another site sends with the browser's cookie is refused where it could change something", async () => {
    const { cookie } = await signIn();
    const post = { "X-Croft-Method": "POST" };
    expect((await session(cookie, { ...post, "Sec-Fetch-Site": "same-origin" })).status).toBe(204);
    expect((await session(cookie, { ...post, "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
    expect((await session(cookie, { ...post, "Sec-Fetch-Site": "same-site" })).status).toBe(403);
    expect((await session(cookie, { ...post, Origin: `https://${HOST}` })).status).toBe(204);
    expect((await session(cookie, { ...post, Origin: "https://evil.test" })).status).toBe(403);
    expect((await session(cookie, { "Sec-Fetch-Site": "cross-site" })).status).toBe(204);
  });

  test("renews itself; all requests of a page share one renewal", async () => {
    issuer.lifetime = 5;
    const { cookie } = await signIn();
    issuer.lifetime = 300;
    const before = issuer.refused;
    const answers = await Promise.all(Array.from({ length: 20 }, () => session(cookie)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
    expect(issuer.refused).toBe(before);
    const fresh = cookieOf(answers[0] as Answer, SESSION_COOKIE);
    expect((await session(fresh)).headers["set-cookie"]).toBeUndefined();
  });

  test("a role taken away counts at the next renewal", async () => {
    issuer.lifetime = 5;
    const { cookie } = await signIn();
    issuer.roles = [];
    expect((await session(cookie)).status).toBe(403);
  });

  test("an issuer that is down: 503 when the session must be renewed, then it goes on", async () => {
    issuer.lifetime = 5;
    const { cookie } = await signIn();
    await issuer.stop();
    expect((await session(cookie)).status).toBe(503);
    await issuer.start();
    await expect.poll(async () => (await session(cookie)).status, { timeout: 10_000 }).toBe(204);
  });

  test("a gate that is told to stop does, while it is asked without end over connections that stay; no question is lost", async () => {
    const { cookie } = await signIn();
    const socketPath = join(folder, "held.sock");
    const held = await holdGate(socketPath);
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const headers = { Host: HOST, "X-Croft-Method": "GET", "X-Croft-Policy": "cms", Cookie: cookie };
    const answers: number[] = [];
    const lost: string[] = [];
    let stopped = false;
    const used = new WeakSet<Socket>();
    /** One after the other; what is asked once the gate is gone waits for the next one. */
    const goOn = (): void => {
      const sent = request({ socketPath, path: "/check", headers, agent }, (answer) => {
        answers.push(answer.statusCode ?? 0);
        answer.resume().once("end", goOn);
      });
      let again = false;
      sent.once("socket", (socket) => {
        again = used.has(socket);
        used.add(socket);
      });
      // nginx asks again where a connection it had used before is closed.
      sent.on("error", ({ message }) => (again ? goOn() : stopped || lost.push(message)));
      sent.end();
    };
    // Two for each connection, so that none is ever idle.
    for (let index = 0; index < 16; index += 1) goOn();
    await setTimeout(300);
    await held.stop();
    const count = answers.length;
    await setTimeout(300);
    stopped = true;
    agent.destroy();
    held.letGo();
    expect(lost).toEqual([]);
    expect(new Set(answers)).toEqual(new Set([204]));
    expect(count).toBeGreaterThan(100);
    expect(answers).toHaveLength(count);
  });

  test("survives a restart of the gate, and a rotation of its key", async () => {
    const { cookie } = await signIn();
    await stopGate();
    writeFileSync(join(folder, "cookie-key-previous"), COOKIE_KEY, { mode: 0o600 });
    writeFileSync(join(folder, "cookie-key"), "another key that is long enough, too", { mode: 0o600 });
    await startGate();
    expect((await session(cookie)).status).toBe(204);
  });

  test("while the client's secret is rotated, codes and refresh tokens are good with either, and only with these", async () => {
    const give = async (newest: string, previous: string | undefined): Promise<void> => {
      await stopGate();
      writeFileSync(join(folder, "client-portfolio"), newest, { mode: 0o600 });
      rmSync(join(folder, "client-portfolio-previous"), { force: true });
      if (previous !== undefined) writeFileSync(join(folder, "client-portfolio-previous"), previous, { mode: 0o600 });
      await startGate();
    };
    issuer.secret = "the old one";
    issuer.lifetime = 5;
    await give("the old one", undefined);
    const { cookie } = await signIn();
    await give("the new one", "the old one");
    expect((await session(cookie)).status).toBe(204);
    await signIn();
    issuer.secret = "the new one";
    const later = await signIn();
    expect((await session(later.cookie)).status).toBe(204);
    await give("the new one", undefined);
    expect((await session((await signIn()).cookie)).status).toBe(204);
    issuer.secret = "another one";
    await expect(signIn()).rejects.toThrow();
    issuer.secret = undefined;
    rmSync(join(folder, "client-portfolio"));
    await stopGate();
    await startGate();
  });

  test("signing out takes the cookie, ends the refresh token and goes on to the issuer", async () => {
    const { cookie } = await signIn();
    const before = issuer.revoked.length;
    const answer = await ask("/logout", { "X-Croft-Policy": "cms", Cookie: cookie });
    expect(answer.status).toBe(302);
    expect(answer.headers["set-cookie"]).toEqual([`${SESSION_COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax`]);
    const to = new URL(answer.headers.location ?? "");
    expect(to.pathname).toBe("/realms/portfolio/logout");
    expect(to.searchParams.get("post_logout_redirect_uri")).toBe(`https://${HOST}/`);
    expect(to.searchParams.get("id_token_hint")).not.toBeNull();
    expect(issuer.revoked.length).toBe(before + 1);
  });
});
