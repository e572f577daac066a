/** Secrets replaced on a real site under load: no request fails, and what was replaced is worth nothing any more. */
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, bundle, croft, environmentOfApi, mustCroft, onMachine, program, upAnew, writeSite } from "./croft.ts";
import type { Outcome } from "./croft.ts";
import { startLoad } from "./load.ts";
import type { LoadResult } from "./load.ts";
import { MODULE, apiWorkload } from "./small-site.ts";

/** Takes both keys, and asks its database over a new connection each few questions, as the one it is configured for. */
const SERVER = `import { createServer } from "node:http";
import pg from "pg";
const { DATABASE_URL, API_KEY, API_KEY_PREVIOUS, PORT } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4, maxUses: 20 });
const keys = [API_KEY, API_KEY_PREVIOUS].filter((key) => key !== undefined && key !== "");
const server = createServer(async (request, response) => {
  if (request.url !== "/readyz" && !keys.includes(request.headers["x-api-key"])) return void response.writeHead(401).end("no key");
  try {
    const { rows } = await pool.query("select session_user as login, current_user as role");
    response.end(JSON.stringify(rows[0]));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.keepAliveTimeout = 5000;
server.listen(Number(PORT));
process.on("SIGTERM", () => server.close(() => pool.end()));
`;

const ENVIRONMENT = 'DATABASE_URL: "${database.rw.url}", API_KEY: "${apiKey.value}", API_KEY_PREVIOUS: "${apiKey.previous}"';

const CONFIGURATION = `version: 1
site: rotation
domain: rotation.test
machines:
  edge: { memory: 512MiB }
  app: { memory: 512MiB }
  data: { memory: 1GiB, disks: { postgres: 1GiB } }
services:
  postgres: { machine: data, disk: postgres }
  gateway: { machine: edge }
apps:
  note:
    database: { name: note }
    apiKey: { header: X-Api-Key }
${apiWorkload("server.cjs", ENVIRONMENT, "/readyz")}    routes:
      - { host: "@", to: api }
`;

let site = "";
const RATE_MS = 5;
const EDGE = "10.91.0.11";
const APP = "10.91.0.12";

let ca = "";

/** Some two hundred questions a second; under which logins they were answered. */
const startAsking = (): { readonly stop: () => Promise<LoadResult & { readonly logins: ReadonlySet<string> }> } => {
  const logins = new Set<string>();
  const judge = (status: number, body: string): string | undefined => {
    if (status !== 200) return `${status} ${body.slice(0, 200)}`;
    logins.add((JSON.parse(body) as { login: string }).login);
    return undefined;
  };
  const load = startLoad(EDGE, ca, [{ host: "rotation.test", path: "/who", judge }], RATE_MS);
  return { stop: async () => ({ ...(await load.stop()), logins }) };
};

const outcomes: Outcome[] = [];
const run = async (words: readonly string[], fault?: string): Promise<Outcome> => {
  const outcome = await croft(words, fault === undefined ? {} : { environment: { CROFT_FAULT: fault } });
  outcomes.push(outcome);
  return outcome;
};

const environment = (): Promise<Readonly<Record<string, string>>> => environmentOfApi(site);

/** What the API itself says to a key, past the gateway. */
const statusWith = async (key: string): Promise<string> => {
  const { PORT = "" } = await environment();
  const curl = `curl -s -o /dev/null -w '%{http_code}' -H 'X-Api-Key: ${key}' http://${APP}:${PORT}/who`;
  return (await onMachine(site, "edge", curl)).trim();
};

beforeAll(async () => {
  site = writeSite("rotation", { "croft.yaml": CONFIGURATION, "api/package.json": MODULE });
  await bundle(SERVER, join(site, "api", "server.cjs"));
  ca = await upAnew(site);
});

afterAll(async () => {
  await mustCroft("destroy", "--purge", site);
});

test("the API key, under load: nothing fails, the key is another one, the old one is refused", async () => {
  const before = (await environment())["API_KEY"] ?? "";
  const load = startAsking();
  const rotated = await run(["secret", "rotate", "api-key", site]);
  const { count, failed } = await load.stop();
  expect(rotated.out + rotated.err).toContain("note/api-key has a new value; the old one is gone.");
  expect(rotated.code).toBe(0);
  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(500);
  const { API_KEY: after = "", API_KEY_PREVIOUS: previous } = await environment();
  expect([after.length, previous, after === before]).toEqual([32, "", false]);
  expect([await statusWith(before), await statusWith(after), await statusWith("")]).toEqual(["401", "200", "401"]);
});

test("a database password, under load: another login stands in for the role, and the old one is shut", async () => {
  const { DATABASE_URL: before = "" } = await environment();
  const load = startAsking();
  const rotated = await run(["secret", "rotate", "database", "--part", "rw", site]);
  const { failed, logins } = await load.stop();
  expect(rotated.code, rotated.out + rotated.err).toBe(0);
  expect(failed).toEqual([]);
  expect(logins).toEqual(new Set(["note_rw", "note_rw_b"]));
  const { DATABASE_URL: after = "" } = await environment();
  expect([new URL(before).username, new URL(after).username]).toEqual(["note_rw", "note_rw_b"]);
  const login = await onMachine(
    site,
    "data",
    "psql -h /run/croft-postgres -U postgres -XAtc \"select rolcanlogin, rolpassword is null from pg_authid where rolname = 'note_rw'\"",
  );
  expect(login.trim()).toBe("f|t");
});

test("killed in the middle, under load: plan says how far it is, and up finishes it", async () => {
  const before = (await environment())["API_KEY"] ?? "";
  const load = startAsking();
  const killed = await run(["secret", "rotate", "api-key", site], "slot/edge/gateway-keys:door-1-before");
  expect(killed.signal === "SIGKILL" || killed.code === 137).toBe(true);
  expect((await run(["plan", site])).out).toContain("rotation of app/note/api-key, phase 2 of 3");
  const up = await run(["up", site]);
  const { failed } = await load.stop();
  expect(up.code, up.out + up.err).toBe(0);
  expect(failed).toEqual([]);
  const after = (await environment())["API_KEY"] ?? "";
  expect([await statusWith(before), await statusWith(after)]).toEqual(["401", "200"]);
  expect((await run(["plan", "--detailed-exitcode", site])).code).toBe(0);
});

test("no value is in journal, state or anything that was said", async () => {
  const { API_KEY = "", DATABASE_URL = "" } = await environment();
  const listed = await run(["secret", "list", site]);
  expect(listed.out).toMatch(/app\/note\/api-key +api-key +today +2 +release\/note-api, slot\/edge\/gateway-keys/);
  for (const value of [API_KEY, new URL(DATABASE_URL).password]) {
    expect(value.length).toBe(32);
    expect(JSON.stringify(outcomes)).not.toContain(value);
    const pattern = join(ROOT, "pattern");
    writeFileSync(pattern, value, { mode: 0o600 });
    copyFileSync(pattern, join(ROOT, "state", "planted"));
    const found = await program(`grep -rlaF -f ${pattern} ${ROOT}/state ${ROOT}/run --exclude='*.raw' || true`);
    expect(found.trim()).toBe(join(ROOT, "state", "planted"));
    rmSync(join(ROOT, "state", "planted"));
    rmSync(pattern);
  }
});
