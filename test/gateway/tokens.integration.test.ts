/** Tokens, forged and stale, through nginx and the gate; an issuer and a gate that fail and come back. */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findNginxRoot } from "../../nginx/gateway.fixture.ts";
import type { Gateway } from "../../nginx/gateway.fixture.ts";
import type { Gate } from "../../nginx/gate/gate.fixture.ts";
import { Issuer, encode, makeKey, sign } from "../../nginx/gate/provider.fixture.ts";
import type { HostRoutes } from "../../nginx/routes.ts";
import { Recorder, valuesOf } from "./recorder.ts";
import { readExample, startGateway, startPolicies } from "./rig.ts";

const root = findNginxRoot();
const reason = root === undefined ? " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)" : "";
const PATIENCE = { timeout: 30_000, interval: 250 };
/** Larger than any line that nginx takes, and than all of its lines together. */
const SIZES = [8_000, 16_000, 60_000];

describe.skipIf(root === undefined)(`tokens at the gateway${reason}`, () => {
  let gateway: Gateway;
  let hosts: readonly HostRoutes[];
  let issuer: Issuer;
  let gate: Gate;
  let api: Recorder;

  const ask = (token: string) =>
    gateway.ask("/api/portfolio/v1/projects", { host: "cms.portfolio.test", headers: { authorization: `Bearer ${token}` } });
  const status = async (token: string): Promise<number> => (await ask(token)).status;
  const openGate = async (): Promise<void> => {
    gate = await startPolicies(gateway, hosts, issuer);
  };

  beforeAll(async () => {
    issuer = await Issuer.make();
    // It is down when everything starts.
    await issuer.stop();
    api = await Recorder.start();
    ({ gateway, hosts } = await startGateway(root ?? "", await readExample(), api.port));
    await openGate();
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await gate?.stop();
    await api?.stop();
    await issuer?.stop();
  });
  afterEach(() => {
    api.seen.length = 0;
  });

  test("an issuer that is not there yet: 503, and nothing passes; it comes, and nothing is restarted", async () => {
    const answer = await ask(issuer.token());
    expect([answer.status, answer.body]).toEqual([503, '{"errors":{"message":["the service is not available"]}}\n']);
    expect(api.seen).toEqual([]);
    await issuer.start();
    await expect.poll(() => status(issuer.token()), PATIENCE).toBe(200);
    expect(valuesOf(api.seen.at(-1) ?? { headers: [] }, "x-auth-subject")).toEqual(["person-1"]);
  });

  const seconds = (from: number): number => Math.floor(Date.now() / 1000) + from;
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const signedAs = (head: object, claims: object, secret: string): string => {
    const text = `${encode(head)}.${encode(claims)}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const withHead = (head: object): string => `${encode(head)}.${issuer.token().split(".").slice(1).join(".")}`;

  const FORGED: Readonly<Record<string, () => string>> = {
    "alg none": () => `${encode({ alg: "none" })}.${encode(issuer.claims())}.`,
    "alg none with a good signature": () => withHead({ alg: "none", kid: issuer.keys[0]?.id }),
    "the public key as a secret": () =>
      signedAs({ alg: "HS256", kid: issuer.keys[0]?.id }, issuer.claims(), JSON.stringify(issuer.keys[0]?.jwk)),
    "a key of its own in the head": () => {
      const own = makeKey();
      const text = `${encode({ alg: "RS256", kid: own.id, jwk: own.jwk, jku: "https://evil.test/keys" })}.${encode(issuer.claims())}`;
      return `${text}.${sign(own, issuer.claims()).split(".")[2]}`;
    },
    "another key under the known name": () => sign({ id: issuer.keys[0]?.id ?? "", privateKey: stranger, jwk: {} }, issuer.claims()),
    "the right key under an unknown name": () =>
      sign({ id: "other", privateKey: issuer.keys[0]?.privateKey ?? stranger, jwk: {} }, issuer.claims()),
    "a critical extension nobody knows": () => withHead({ alg: "RS256", kid: issuer.keys[0]?.id, crit: ["exp"], exp: 1 }),
    "another audience": () => issuer.token({ aud: ["account"] }),
    "another realm of the same issuer": () => issuer.token({ iss: issuer.url.replace("/portfolio", "/master") }),
    "the issuer with a slash": () => issuer.token({ iss: `${issuer.url}/` }),
    "an end in the past": () => issuer.token({ exp: seconds(-30) }),
    "a beginning in the future": () => issuer.token({ nbf: seconds(30) }),
    "no end": () => issuer.token({ exp: undefined }),
    "an end that is text": () => issuer.token({ exp: "9999999999" }),
    "an ID token": () => issuer.token({ typ: "ID" }),
    "a refresh token": () => issuer.token({ typ: "Refresh" }),
  };

  test.each(Object.entries(FORGED))("%s: 401, and the API hears nothing", async (_name, make) => {
    expect(await status(make())).toBe(401);
    expect(api.seen).toEqual([]);
  });

  const ROLES: Readonly<Record<string, object>> = {
    "without the role": { realm_access: { roles: ["ops-viewer"] } },
    "without any": { realm_access: undefined },
    "with the role as text": { realm_access: { roles: "portfolio-admin" } },
    "with the role of a client": { realm_access: {}, resource_access: { "portfolio-api": { roles: ["portfolio-admin"] } } },
    "with the role in other letters": { realm_access: { roles: ["Portfolio-Admin", "portfolio-admin "] } },
  };
  test.each(Object.entries(ROLES))("somebody %s: 403", async (_name, claims) => {
    expect(await status(issuer.token({ ...claims }))).toBe(403);
    expect(api.seen).toEqual([]);
  });

  test("clocks may differ by some seconds, not by more", async () => {
    expect(await status(issuer.token({ exp: seconds(-1) }))).toBe(200);
    expect(await status(issuer.token({ nbf: seconds(3) }))).toBe(200);
  });

  test.each(SIZES)("a token of %i bytes ends in a clear answer", async (size) => {
    const answer = await ask(issuer.token({ padding: "x".repeat(size) }));
    expect([400, 401, 414, 431]).toContain(answer.status);
    expect(api.seen).toEqual([]);
    expect(await status(issuer.token())).toBe(200);
  });

  test("a second key beside the first counts at once; taken away, the first no longer does", async () => {
    const [first] = issuer.keys;
    const old = issuer.token();
    issuer.keys = [makeKey(), ...(first === undefined ? [] : [first])];
    await expect.poll(() => status(issuer.token()), PATIENCE).toBe(200);
    expect(await status(old)).toBe(200);
    // The next unknown name makes the gate look again, and then it knows what is gone.
    issuer.keys = [makeKey()];
    await expect.poll(() => status(issuer.token()), PATIENCE).toBe(200);
    await expect.poll(() => status(old), PATIENCE).toBe(401);
  });

  test("an issuer that takes questions and is silent: 503 within seconds, known keys go on", async () => {
    const known = issuer.token();
    expect(await status(known)).toBe(200);
    issuer.silent = true;
    const unknown = makeKey();
    await expect.poll(() => status(sign(unknown, issuer.claims())), PATIENCE).toBe(503);
    expect(await status(known)).toBe(200);
    issuer.silent = false;
    await expect.poll(() => status(sign(unknown, issuer.claims())), PATIENCE).toBe(401);
  });

  test("nginx remembers an answer for some seconds: by the whole token and the route's policy, and not for long", async () => {
    const [known, other] = [issuer.token(), issuer.token()];
    expect(await status(known)).toBe(200);
    await gate.stop("SIGKILL");
    expect(await status(known)).toBe(200);
    expect(valuesOf(api.seen.at(-1) ?? { headers: [] }, "x-auth-subject")).toEqual(["person-1"]);
    const post = {
      host: "cms.portfolio.test",
      method: "POST",
      body: Buffer.alloc(2_000_000),
      headers: { authorization: `Bearer ${known}` },
    };
    expect((await gateway.ask("/api/x", post)).status).toBe(200);
    api.seen.length = 0;
    expect([await status(other), await status(`${known}x`), await status(known.slice(0, -1))]).toEqual([503, 503, 503]);
    expect(api.seen).toEqual([]);
    await expect.poll(() => status(known), PATIENCE).toBe(503);
    await openGate();
    expect(await status(known)).toBe(200);
  });

  test("what nginx remembers is its own affair", async () => {
    await ask(issuer.token());
    const folder = gateway.path("/run/croft-gateway/nginx/answers");
    const files = await readdir(folder);
    const modes = await Promise.all(
      [folder, ...files.map((file) => join(folder, file))].map(async (path) => (await stat(path)).mode & 0o077),
    );
    expect(files.length).toBeGreaterThan(0);
    expect(new Set(modes)).toEqual(new Set([0]));
  });

  test("the gate is killed: nothing passes; started again, everything is as before", async () => {
    await gate.stop("SIGKILL");
    const answers = await Promise.all(Array.from({ length: 20 }, () => status(issuer.token())));
    expect(new Set(answers)).toEqual(new Set([503]));
    expect(api.seen).toEqual([]);
    expect((await gateway.ask("/ping", { host: "www.portfolio.test" })).status).toBe(200);
    await openGate();
    expect(await status(issuer.token())).toBe(200);
  });

  test("a gate that hangs: 503, and nothing passes", async () => {
    gate.child.kill("SIGSTOP");
    const answer = ask(issuer.token());
    expect((await answer).status).toBe(503);
    expect(api.seen).toEqual([]);
    gate.child.kill("SIGCONT");
    await expect.poll(() => status(issuer.token()), PATIENCE).toBe(200);
  });

  test("no log holds a token", async () => {
    const token = issuer.token();
    await ask(token);
    expect(gate.log() + gateway.errors).not.toContain(token.split(".")[2]);
  });
});
