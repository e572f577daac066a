/** Thousands of hostile requests to the real gateway of the example: what may arrive does, with one key, and nothing else. */
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findNginxRoot } from "../../nginx/gateway.fixture.ts";
import { sendCorpus } from "./corpus.ts";
import type { Report } from "./corpus.ts";
import { FEW } from "./requests.ts";
import { KEY, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

const root = findNginxRoot();
const reason = root === undefined ? " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)" : "";

const SEED = Number(process.env["CORPUS_SEED"] ?? 20_261_121);
const ONLY = process.env["CORPUS_ONLY"];
const RAW = 5600;
const HTTP2 = 900;

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const raw = ONLY === undefined ? upTo(RAW) : [Number(ONLY)];
const http2 = ONLY === undefined ? upTo(HTTP2).map((index) => (index * 7) % RAW) : raw;

describe.skipIf(root === undefined)(`the corpus of requests${reason}`, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig(root ?? "");
  });
  afterAll(async () => {
    await rig?.stop();
  });

  test(`${raw.length} raw requests and ${http2.length} over HTTP/2`, async () => {
    const report = await sendCorpus(rig, { seed: SEED, raw, http2 });
    expect(report.faults.slice(0, 20)).toEqual([]);
    // Nothing was spoilt in some of them: a gateway that refuses everything would prove nothing.
    expect(report.arrived).toBeGreaterThan(ONLY === undefined ? 400 : -1);
    expect(await rig.logs()).not.toContain(KEY);
  });

  type Spoilt = { readonly file: string; readonly spoil: (text: string) => string; readonly notices: string };
  const without = (pattern: RegExp) => (text: string) => text.replaceAll(pattern, "");
  const WWW_FILE = "sites/www.portfolio.test.conf";
  const SPOILT: Readonly<Record<string, readonly Spoilt[]>> = {
    "a key that the gateway does not add": [{ file: WWW_FILE, spoil: without(/^.*keys\/portfolio\.con\[f\];\n/gm), notices: "keys: []" }],
    "a client's key that is neither replaced nor cleared": [
      {
        file: WWW_FILE,
        spoil: without(/^ *(?:proxy_set_header X-Api-Key ""|include .*keys\/portfolio\.con\[f\]);\n/gm),
        notices: "keys: []",
      },
      { file: "proxy.conf", spoil: without(/^proxy_set_header X-Api-Key "";\n/gm), notices: "forged-by-the-client" },
    ],
    "names with underscores": [
      {
        file: "nginx.conf",
        spoil: (text) => text.replace("server_tokens off;", "server_tokens off; underscores_in_headers on;"),
        notices: "X_Api_Key",
      },
    ],
    "an identity that is not cleared": [
      { file: "proxy.conf", spoil: without(/^proxy_set_header X-Auth-Roles "";\n/gm), notices: "identity: X-Auth-Roles: portfolio-admin" },
    ],
    "an address that the client chooses": [
      {
        file: "proxy.conf",
        spoil: (text) => text.replace("X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for"),
        notices: "x-forwarded-for: ",
      },
    ],
    "spellings that are not refused": [
      {
        file: WWW_FILE,
        spoil: without(/if \(\$croft_refused\) \{\s+return 400;\s+\}/g),
        notices: "must not arrive: www.portfolio.test GET",
      },
    ],
    "a list that nothing denies": [
      {
        file: WWW_FILE,
        spoil: without(/location = "\/api\/portfolio\/v1\/projects\/" \{\s+return 404;\s+\}/g),
        notices: "must not arrive: www.portfolio.test",
      },
    ],
    "a method that no route allows": [
      {
        file: WWW_FILE,
        spoil: (text) => text.replaceAll("^(?:GET|HEAD)$", "^"),
        notices: "must not arrive: www.portfolio.test POST /ping",
      },
    ],
    "an API that asks nobody": [
      {
        file: "sites/cms.portfolio.test.conf",
        spoil: without(/^ +auth_request "[^"]+";\n/gm),
        notices: "must not arrive: cms.portfolio.test",
      },
    ],
    "a key in an answer": [
      { file: "headers.conf", spoil: (text) => `${text}add_header X-Debug "${KEY}" always;\n`, notices: "the key is in the answer" },
    ],
  };

  /** Spoils files of the gateway, sends some of the corpus, and puts the files back. */
  const withSpoilt = async (changes: readonly Spoilt[]): Promise<Report> => {
    const paths = changes.map(({ file }) => rig.gateway.path(`/etc/croft/gateway/${file}`));
    const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
    const write = (all: readonly string[]) => Promise.all(paths.map((path, index) => writeFile(path, all[index] ?? "")));
    const spoilt = texts.map((text, index) => changes[index]?.spoil(text) ?? "");
    expect(spoilt.filter((text, index) => text === texts[index])).toEqual([]);
    await write(spoilt);
    expect(await rig.gateway.reload()).toMatchObject({ ok: true });
    const report = await sendCorpus(rig, { seed: SEED, raw: upTo(FEW), http2: [] });
    await write(texts);
    expect(await rig.gateway.reload()).toMatchObject({ ok: true });
    return report;
  };

  test.each(Object.entries(SPOILT))("it notices %s", async (_name, changes) => {
    const { faults } = await withSpoilt(changes);
    // The last change is the one that shows.
    expect(faults.join("\n")).toContain(changes.at(-1)?.notices);
  });
});
