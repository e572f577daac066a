/** Providers elsewhere: asked over real HTTP, judged where the file names them. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renderProblems } from "../provisioner/config/diagnostics.ts";
import { checkIssuers, issuersOf, metadataUrl } from "../provisioner/config/issuers.ts";
import type { IssuerAnswer } from "../provisioner/config/issuers.ts";
import { parseConfig } from "../provisioner/config/parse.ts";
import { askIssuers } from "./issuers.ts";
import { SERVICE_SCHEMAS } from "./world.ts";

const ISSUER = "https://login.example.org/realms/main";
const SITE = `version: 1
site: shop
domain: shop.test
machines: { edge: { memory: 512MiB } }
services: { gateway: { machine: edge } }
apps:
  shop:
    oidc: { issuer: "${ISSUER}", roles: [editor] }
    workloads: { page: { kind: static, source: page } }
    routes: [{ host: "@", to: page }]
`;

const parsed = (text: string) => {
  const result = parseConfig({
    file: "croft.yaml",
    folder: "/srv/site",
    bytes: Buffer.from(text),
    services: SERVICE_SCHEMAS,
    variables: {},
  });
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result;
};

const judged = (answer: IssuerAnswer): string => {
  const result = parsed(SITE);
  expect(issuersOf(result.model)).toEqual([ISSUER]);
  return renderProblems(checkIssuers(result.model, result.locate, new Map([[ISSUER, answer]])), { "croft.yaml": SITE }, {});
};

describe("what a provider said", () => {
  test("as the file has it: nothing to say", () => {
    expect(judged({ ok: true, issuer: ISSUER, keys: `${ISSUER}/certs` })).toBe("");
  });

  test("nothing: a warning where it is named, since a site must be repairable meanwhile", () => {
    expect(judged({ ok: false, reason: "connect ECONNREFUSED" })).toMatchInlineSnapshot(`
      "warning[E0141]: the provider \`https://login.example.org/realms/main\` does not answer: connect ECONNREFUSED
        --> croft.yaml:8:21
         |
       8 |     oidc: { issuer: "https://login.example.org/realms/main", roles: [editor] }
         |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
         = help: nobody can sign in until it does; asked: https://login.example.org/realms/main/.well-known/openid-configuration
      "
    `);
  });

  test("another name: refused, with the one to write", () => {
    expect(judged({ ok: true, issuer: `${ISSUER}2`, keys: `${ISSUER}/certs` })).toMatchInlineSnapshot(`
      "error[E0141]: the provider calls itself \`https://login.example.org/realms/main2\`, not \`https://login.example.org/realms/main\`: its tokens would never pass
        --> croft.yaml:8:21
         |
       8 |     oidc: { issuer: "https://login.example.org/realms/main", roles: [editor] }
         |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ write https://login.example.org/realms/main2
         = help: it says so at https://login.example.org/realms/main/.well-known/openid-configuration
      "
    `);
  });

  test("a slash at the end belongs to the name: as some providers have it, and named where it is missing", () => {
    expect(metadataUrl("https://tenant.example.com/")).toBe("https://tenant.example.com/.well-known/openid-configuration");
    const result = parsed(SITE.replace(ISSUER, `${ISSUER}/`));
    const said = { ok: true, issuer: `${ISSUER}/`, keys: `${ISSUER}/certs` } as const;
    expect(checkIssuers(result.model, result.locate, new Map([[`${ISSUER}/`, said]]))).toEqual([]);
    expect(judged(said)).toContain(`write ${ISSUER}/`);
  });

  test("no keys, or keys by plain HTTP: refused", () => {
    for (const keys of [undefined, "http://login.example.org/certs"])
      expect(judged({ ok: true, issuer: ISSUER, keys })).toMatch(/^error\[E0141\].*names no keys by https[^]*croft\.yaml:8:21/);
  });
});

describe("asking", () => {
  let server: Server;
  let base = "";
  beforeEach(async () => {
    server = createServer((request, response) => {
      const [, kind] = (request.url ?? "").split("/");
      if (kind === "good") return void response.end(JSON.stringify({ issuer: "x", jwks_uri: "https://x/certs" }));
      if (kind === "page") return void response.end("<html>");
      if (kind === "huge") return void response.end(" ".repeat(300 * 1024));
      if (kind === "null") return void response.end("null");
      response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  test("each is answered for, whatever it says or does not", async () => {
    const kinds = ["good", "page", "huge", "null", "down"].map((kind) => `${base}/${kind}`);
    const answers = await askIssuers([...kinds, "http://127.0.0.1:1/closed"]);
    expect([...answers.values()]).toEqual([
      { ok: true, issuer: "x", keys: "https://x/certs" },
      { ok: false, reason: "its metadata are no JSON" },
      { ok: false, reason: "its metadata are too large" },
      { ok: true, issuer: undefined, keys: undefined },
      { ok: false, reason: "HTTP 503" },
      { ok: false, reason: expect.stringMatching(/fetch failed: .+/) },
    ]);
  });
});
