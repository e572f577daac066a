import { expect, test, vi } from "vitest";
import { discover, LoginError, makeAttempt, readClaims, readCode, redeem, renew, toChallenge, toLoginUrl, toLogoutUrl } from "./oidc.ts";
import { finishLogin, startLogin, type World } from "./session.ts";

const ISSUER = "https://auth.test/realms/portfolio";
const config = { issuer: ISSUER, clientId: "portfolio", apiBase: "" };
const provider = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/auth?kc=1`,
  token_endpoint: `${ISSUER}/token`,
  end_session_endpoint: `${ISSUER}/logout`,
};
const toToken = (claims: object): string => `e30.${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims))))}.sig`;
const good = { iss: ISSUER, aud: ["portfolio", "account"], nonce: "n", name: "Zoë ✓" };
const answering = (claims: object, more: object = {}, status = 200) =>
  vi.fn<typeof fetch>(async (address) =>
    String(address).endsWith("openid-configuration")
      ? Response.json(provider)
      : Response.json({ access_token: "access", id_token: toToken(claims), refresh_token: "r1", expires_in: 60, ...more }, { status }),
  );
const attempt = { state: "s", nonce: "n", verifier: "v", path: "/about" };
const clientOf = (fetcher: typeof fetch) => ({ config, provider, fetcher, now: () => 1_000 });
const kindOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    return error instanceof LoginError ? error.kind : String(error);
  }
  return "fine";
};

test("the way to the login page carries a challenge and never the verifier", async () => {
  const made = makeAttempt("/about");
  const url = new URL(await toLoginUrl({ config, provider }, made, "https://cms.test/login"));
  expect(Object.fromEntries(url.searchParams)).toEqual({
    kc: "1",
    response_type: "code",
    client_id: "portfolio",
    redirect_uri: "https://cms.test/login",
    scope: "openid",
    state: made.state,
    nonce: made.nonce,
    code_challenge: await toChallenge(made.verifier),
    code_challenge_method: "S256",
  });
  expect(made.verifier).toMatch(/^[\w-]{43}$/);
  expect(new Set([made.state, made.nonce, made.verifier, makeAttempt("/").state]).size).toBe(4);
  expect(await toChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("only the answer to one's own attempt is taken", () => {
  const read =
    (query: string, own = attempt) =>
    () =>
      readCode(new URLSearchParams(query), own, ISSUER);
  expect(read("state=s&code=c")()).toBe("c");
  expect(read(`state=s&code=c&iss=${ISSUER}`)()).toBe("c");
  for (const bad of ["code=c", "state=x&code=c", "state=s&code=c&iss=https://evil.test"]) expect(read(bad)).toThrow(LoginError);
  expect(() => readCode(new URLSearchParams("state=s&code=c"), undefined, ISSUER)).toThrow("not begun here");
  expect(read("state=s&error=access_denied&error_description=No+thanks")).toThrow("No thanks");
});

test("tokens have to be for this client, this attempt and from this issuer", async () => {
  const take = (claims: object, more = {}) => redeem(clientOf(answering(claims, more)), "c", attempt, "https://cms.test/login");
  expect(await take(good)).toMatchObject({ access: "access", refresh: "r1", name: "Zoë ✓", until: 61_000 });
  expect(await take({ ...good, aud: "portfolio" })).toMatchObject({ access: "access" });
  for (const claims of [
    { ...good, nonce: "other" },
    { ...good, aud: "other" },
    { ...good, iss: "https://evil.test" },
  ])
    expect(await kindOf(() => take(claims))).toBe("broken");
  expect(await kindOf(() => take(good, { id_token: "x" }))).toBe("broken");
  expect(await kindOf(() => take(good, { access_token: undefined }))).toBe("broken");
});

test("the code goes out with the verifier", async () => {
  const fetcher = answering(good);
  await redeem(clientOf(fetcher), "c", attempt, "https://cms.test/login");
  const [address, request] = fetcher.mock.calls[0] ?? [];
  expect([address, Object.fromEntries(request?.body as URLSearchParams)]).toEqual([
    provider.token_endpoint,
    { grant_type: "authorization_code", code: "c", redirect_uri: "https://cms.test/login", code_verifier: "v", client_id: "portfolio" },
  ]);
});

test("renewal keeps what a new answer leaves out; failures are told apart", async () => {
  const tokens = await redeem(clientOf(answering(good)), "c", attempt, "x");
  expect(await renew(clientOf(answering(good, { id_token: undefined, refresh_token: undefined })), tokens)).toMatchObject({
    id: tokens.id,
    refresh: "r1",
  });
  expect(await kindOf(() => renew(clientOf(answering(good)), { ...tokens, refresh: undefined }))).toBe("refused");
  expect(await kindOf(() => renew(clientOf(answering(good, {}, 400)), tokens))).toBe("refused");
  expect(await kindOf(() => renew(clientOf(answering(good, {}, 503)), tokens))).toBe("away");
  expect(
    await kindOf(() =>
      renew(
        clientOf(async () => Promise.reject(new TypeError("network"))),
        tokens,
      ),
    ),
  ).toBe("away");
  expect(toLogoutUrl({ config, provider }, tokens, "https://cms.test/")).toContain(`id_token_hint=${encodeURIComponent(tokens.id)}`);
});

test("a slash at the end of a name belongs to it, and is not doubled in the address", async () => {
  const fetcher = vi.fn<typeof fetch>(async () => Response.json({ ...provider, issuer: `${ISSUER}/` }));
  expect((await discover(`${ISSUER}/`, fetcher)).issuer).toBe(`${ISSUER}/`);
  expect(fetcher.mock.calls[0]?.[0]).toBe(`${ISSUER}/.well-known/openid-configuration`);
});

test("a service under another name is not asked", async () => {
  expect(await kindOf(() => discover("https://other.test", answering(good)))).toBe("broken");
  expect(() => readClaims("no token")).toThrow(LoginError);
});

test("from the page and back to it, once; many calls share one renewal", async () => {
  const kept = new Map<string, string>();
  let [now, left] = [0, ""];
  const fetcher = answering(good);
  const world: World = {
    fetcher,
    now: () => now,
    origin: "https://cms.test",
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    },
    leave: (address) => void (left = address),
  };
  await startLogin(world, config, "/projects/1");
  const asked = new URL(left).searchParams;
  fetcher.mockImplementation(answering({ ...good, nonce: asked.get("nonce") }).getMockImplementation() ?? fetch);
  const back = new URLSearchParams({ state: asked.get("state") ?? "", code: "c" });
  const { session, path } = await finishLogin(world, config, back);
  expect([path, session.name, kept.size]).toEqual(["/projects/1", "Zoë ✓", 0]);
  expect(await kindOf(() => finishLogin(world, config, back))).toBe("broken");
  fetcher.mockClear();
  expect(await session.getToken()).toBe("access");
  expect(fetcher).not.toHaveBeenCalled();
  now = 59_000;
  await Promise.all([session.getToken(), session.getToken(), session.getToken()]);
  expect(fetcher).toHaveBeenCalledTimes(1);
  session.logout();
  expect(left).toContain(`${ISSUER}/logout?`);
  for (const strange of ["//evil.test/", "https://evil.test", "/login?code=1"]) {
    await startLogin(world, config, strange);
    const again = new URL(left).searchParams;
    fetcher.mockImplementation(answering({ ...good, nonce: again.get("nonce") }).getMockImplementation() ?? fetch);
    expect((await finishLogin(world, config, new URLSearchParams({ state: again.get("state") ?? "", code: "c" }))).path).toBe("/");
  }
});
