/** Hostile texts in a real PostgreSQL and a real nginx: a text stays a text, or never gets there. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gateway, findNginxRoot } from "../../nginx/gateway.fixture.ts";
import { APP } from "../../nginx/portfolio.fixture.ts";
import { renderServer } from "../../nginx/traffic.ts";
import * as safe from "../../nginx/safe.ts";
import type { Route } from "../../provisioner/model/types.ts";
import { CroftError } from "../../provisioner/errors.ts";
import { openDatabase, quoteName, quoteText, type OpenDatabase } from "../../stacks/postgres/client.ts";
import { findServer, makeCluster, type Cluster } from "../../stacks/postgres/testing/cluster.fixture.ts";
import { CANARY, hostileWords } from "./hostile-words.ts";

const WORDS = hostileWords(1_000);

const accepts = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof CroftError) return false;
    throw error;
  }
};

const programs = findServer();

describe.skipIf(programs === undefined)(
  `PostgreSQL${programs === undefined ? " (skipped: needs root and a server under /usr/lib/postgresql)" : ""}`,
  () => {
    let cluster: Cluster;
    let database: OpenDatabase;
    beforeAll(async () => {
      cluster = await makeCluster(programs as string);
      database = await openDatabase(cluster.shell, "postgres");
    });
    afterAll(async () => {
      await database.close();
      cluster.destroy();
    });

    test("every text comes back as it was", async () => {
      const words = WORDS.filter((word) => accepts(() => quoteText(word)));
      expect(words.length).toBeGreaterThan(950);
      for (const word of words) expect(await database.query(`select ${quoteText(word)} as text`)).toEqual([{ text: word.toWellFormed() }]);
    });

    test("every name is one name", async () => {
      const words = WORDS.filter((word) => accepts(() => quoteName(word)));
      expect(words.length).toBeGreaterThan(700);
      for (const word of words)
        expect(Object.keys((await database.query(`select 1 as ${quoteName(word)}`))[0] ?? {})).toEqual([word.toWellFormed()]);
    });

    test("roles and databases get exactly that name, whatever stands for text in SQL", async () => {
      await database.query("set standard_conforming_strings = off");
      const words = WORDS.filter((word) => accepts(() => quoteName(word)) && !word.startsWith("pg_") && word.isWellFormed()).slice(0, 150);
      for (const word of words) await database.query(`create role ${quoteName(word)} password ${quoteText(word)}`);
      const rows = await database.query(
        "select rolname::text as name from pg_roles where not rolname like 'pg\\\\_%' and rolname <> 'postgres'",
      );
      expect(rows.map(({ name }) => name).toSorted()).toEqual(words.toSorted());
      for (const word of words) await database.query(`drop role ${quoteName(word)}`);
      await database.query("set standard_conforming_strings = on");
    });

    test("nothing was made on the way", async () => {
      expect(await database.query("select relname from pg_class where relname = 'croft_canary'")).toEqual([]);
    });
  },
);

const root = findNginxRoot();
const reason = root === undefined ? " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)" : "";

const PLAIN: Readonly<Record<string, readonly [(word: string) => string, RegExp]>> = {
  host: [safe.safeHost, /^[a-z0-9.-]+$/],
  path: [safe.safePath, /^\/[^\s"\\${};%|<>`#?^]*$/],
  name: [safe.safeName, /^[a-z0-9-]+$/],
  address: [safe.safeAddress, /^[\d.]+$/],
  method: [safe.safeMethod, /^[A-Z]+$/],
  file: [safe.safeFile, /^\/[\w/.@-]+$/],
  redirect: [safe.safeRedirect, /^[^\s"\\${};|<>`^]*$/],
  log: [safe.safeLog, /^[\w/.:=,-]+$/],
  listen: [safe.safeListen, /^[\d.:]+$/],
  hash: [safe.safeHash, /^[0-9a-f]*$/],
  "parameter's name": [(word) => safe.safeQuery(word, "a"), /^[\w.-]+$/],
  "parameter's value": [(word) => safe.safeQuery("a", word), /^[\w.~,:@%+/-]*$/],
  strip: [safe.safeStrip, /^\/[^\s"\\${};%|<>`#?^]*$/],
  server: [(word) => renderServer(word, 1), /^[\d.]+$/],
};

test.each(Object.entries(PLAIN))("the gateway takes only plain text as %s", (_name, [make, plain]) => {
  const wrong = WORDS.filter((word) => accepts(() => make(word)) && !plain.test(word));
  expect(wrong).toEqual([]);
});

describe.skipIf(root === undefined)(`nginx${reason}`, () => {
  const extras = { host: "www.portfolio.test", methods: [], query: {}, exact: true } as const;
  const usable = [...new Set(WORDS.map((word) => `/p${word.startsWith("/") ? word : `/${word}`}`))].filter(
    (path) => accepts(() => safe.safePath(path)) && path.length < 500,
  );
  const denied: readonly Route[] = usable.map((path) => ({ ...extras, path, target: { kind: "deny", status: 403 } }));
  const targets = WORDS.filter((word) => accepts(() => safe.safeRedirect(word)) && word.length < 500);
  const redirects: readonly Route[] = targets.map((to, index) => ({ ...extras, path: `/to/${index}`, target: { kind: "redirect", to } }));
  const values = WORDS.filter((word) => accepts(() => safe.safeQuery("a", word)));
  const queries: readonly Route[] = values.map((value, index) => ({
    ...extras,
    path: `/q/${index}`,
    query: { a: value },
    target: { kind: "deny", status: 403 },
  }));

  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await Gateway.make(root ?? "");
    await gateway.install({ ...APP, routes: [...APP.routes, ...denied, ...redirects, ...queries] });
    await gateway.certify("1");
    await gateway.traffic("1", 1);
    await gateway.release("portfolio-site", "1", { "index.html": "site" });
    await gateway.start();
  });
  afterAll(() => gateway?.stop());

  test("takes the configuration, and answers each path as its route says", async () => {
    expect(usable.length).toBeGreaterThan(20);
    for (const path of usable) expect([path, (await gateway.ask(path)).status]).toEqual([path, 403]);
  });

  test("says nothing that a value told it to say", async () => {
    for (const path of [...usable, ...targets.map((_, index) => `/to/${index}`), "/", "/nothing"]) {
      const { body, headers } = await gateway.ask(path);
      expect(body).not.toContain(CANARY);
      expect(Object.keys(headers)).not.toContain("set-cookie");
    }
  });

  test("sends browsers to the very target", async () => {
    for (const [index, target] of targets.entries()) {
      const { status, headers } = await gateway.ask(`/to/${index}`);
      expect([301, 302, 307, 308]).toContain(status);
      expect(String(headers.location).endsWith(target)).toBe(true);
    }
  });
});
