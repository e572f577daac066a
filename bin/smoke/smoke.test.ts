/** How an app's transaction reaches the site, what it may touch of this computer, and how it is written for a shell. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App, Model } from "../../provisioner/model/types.ts";
import type { Answer } from "./contract.ts";
import { toShell } from "./curl.ts";
import { makeFetcher } from "./fetcher.ts";
import { chooseHalf, runTransaction } from "./transaction.ts";
import type { TransactionInput } from "./transaction.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-smoke-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the fetcher", () => {
  let server: Server;
  let authority: string;
  const asked: string[] = [];
  beforeAll(async () => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const names = ["-subj", "/CN=shop.test", "-addext", "subjectAltName=DNS:www.shop.test"];
    const made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate];
    execFileSync("openssl", ["req", ...made, ...names], { stdio: "ignore" });
    authority = readFileSync(certificate, "utf8");
    server = createServer({ key: readFileSync(key), cert: authority }, (request, response) => {
      asked.push(`${request.method} ${request.headers.host}${request.url}`);
      if (request.url === "/moved") response.writeHead(302, { location: "https://other.test/" }).end();
      else if (request.url === "/empty") response.writeHead(204).end();
      else request.pipe(response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => server.close());

  const fetcher = (hosts = ["www.shop.test"], trusted = authority) =>
    makeFetcher({ address: "127.0.0.1", authority: trusted, hosts }, { https: (server.address() as AddressInfo).port, http: 1 });
  const get = { method: "GET", headers: {} };

  test("finds the site's names without DNS, and gives the whole answer", async () => {
    const response = await fetcher()("https://www.shop.test/a?b=1", { method: "POST", headers: {}, body: "grüße" });
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([200, "grüße", ["a=1", "b=2"]]);
    expect(asked.at(-1)).toBe("POST www.shop.test/a?b=1");
    expect((await fetcher()("https://www.shop.test/empty", get)).status).toBe(204);
  });

  test("follows no redirect", async () => {
    const response = await fetcher()("https://www.shop.test/moved", get);
    expect([response.status, response.headers.get("location")]).toEqual([302, "https://other.test/"]);
  });

  test.each(["https://other.test/", "https://www.shop.test:8443/", "ftp://www.shop.test/", "https://127.0.0.1/"])(
    "%s is no address of the site",
    async (address) => {
      const before = asked.length;
      await expect(fetcher()(address, get)).rejects.toThrow("is no address of this site");
      expect(asked).toHaveLength(before);
    },
  );

  test("trusts the site's own CA alone, and only for its names", async () => {
    await expect(fetcher(["api.shop.test"])("https://api.shop.test/", get)).rejects.toThrow("altnames");
    const { rootCertificates } = await import("node:tls");
    await expect(fetcher(undefined, rootCertificates[0])("https://www.shop.test/", get)).rejects.toThrow(/self-signed|unable to verify/);
  });
});

describe("the child", () => {
  const run = (text: string, more: Partial<TransactionInput> = {}, timeoutMs?: number): Promise<Answer> => {
    const site = mkdtempSync(join(folder, "site-"));
    mkdirSync(join(site, "smoke"));
    writeFileSync(join(site, "smoke/words.ts"), "export const word: string = 'from beside it';\n");
    writeFileSync(join(site, "smoke/buy.ts"), text);
    const task = {
      folder: site,
      smoke: { module: "smoke/buy.ts", origins: {} },
      mode: "run",
      origins: { shop: "https://shop.test" },
    } as const;
    return runTransaction({ ...task, address: "127.0.0.1", authority: "", hosts: [], ...more }, timeoutMs);
  };
  const giving = (detail: string): string =>
    `import { word } from "./words.ts";\nexport const runTransaction = async (doors: Record<string, string>) => [{ step: word, ok: true, detail: String(${detail}), durationMs: 1 }];\n`;
  const detailOf = (answer: Answer): string => (answer.kind === "results" ? (answer.results[0]?.detail ?? "") : JSON.stringify(answer));

  test("gives origins, account and fetcher, and takes results", async () => {
    const answer = await run(giving("[doors.shop, doors.username, doors.password.length, typeof doors.fetcher]"), {
      username: "ann",
      password: "p4ssw0rd",
    });
    expect(answer).toEqual({
      kind: "results",
      results: [{ step: "from beside it", ok: true, detail: "https://shop.test,ann,8,function", durationMs: 1 }],
    });
  });

  test("hides the password in whatever comes back", async () => {
    expect(detailOf(await run(giving("doors.password"), { password: "p4ssw0rd" }))).toBe("•••");
    const thrown = await run(`export const runTransaction = ({ password }: any) => { throw new Error(password); };`, {
      password: "p4ssw0rd",
    });
    expect(thrown).toEqual({ kind: "error", message: "•••" });
  });

  test.each([
    ["read what is not the site's", `fs.readFileSync("/etc/passwd")`],
    ["write", `fs.writeFileSync(import.meta.dirname + "/written", "")`],
    ["start a program", `(await import("node:child_process")).execFileSync("true")`],
    ["start a thread", `new (await import("node:worker_threads")).Worker("1", { eval: true })`],
  ])("cannot %s", async (_, attempt) => {
    const answer = await run(`import fs from "node:fs";\nexport const runTransaction = async () => { ${attempt}; return []; };\n`);
    expect(detailOf(answer)).toContain("restricted");
  });

  test("knows no variable of the environment", async () => {
    process.env["CROFT_TEST_TOKEN"] = "visible";
    expect(detailOf(await run(giving(`JSON.stringify(process.env)`)))).toBe("{}");
    delete process.env["CROFT_TEST_TOKEN"];
  });

  test.each([
    ["export const other = 1;", { kind: "nothing" }],
    ["export const runTransaction = () => [];", { kind: "error", message: expect.stringContaining("gave no list of") }],
    ["export const runTransaction = () => [{ step: 1 }];", { kind: "error", message: expect.stringContaining("gave no list of") }],
    ["export const runTransaction = () => 1;", { kind: "error", message: "runTransaction gave no list" }],
    ["import './nothing.ts';", { kind: "error", message: expect.stringContaining("nothing.ts") }],
    ["process.exit(3);", { kind: "error", message: expect.stringContaining("smoke/buy.ts gave no answer: it ended with 3") }],
  ])("%s", async (text, answer) => {
    expect(await run(text)).toEqual(answer);
  });

  test("is ended where it hangs", async () => {
    const answer = await run("setInterval(() => {}, 1000); export const runTransaction = () => new Promise(() => {});", {}, 1500);
    expect(answer).toEqual({ kind: "error", message: expect.stringContaining("it did not end within 1.5 s") });
  });

  test("without an account no name and no password come along", async () => {
    const text = giving("Object.keys(doors).toSorted()").replace("runTransaction", "runReadOnly");
    expect(detailOf(await run(text, { mode: "read-only" }))).toBe("fetcher,shop");
  });
});

describe("who logs in", () => {
  const app = {
    name: "shop",
    smoke: { module: "a.ts", user: "ann", origins: {} },
    oidc: { realm: "shop", testUsers: [{ name: "ann", roles: [] }] },
  } as unknown as App;
  const half = (mode: "development" | "production", change: object = {}) => chooseHalf({ mode } as Model, { ...app, ...change });

  test("a test user, in development alone", () => {
    expect(half("development")).toEqual({ mode: "run", user: "ann", realm: "shop" });
    expect(half("production")).toMatchObject({ mode: "read-only", reason: expect.stringContaining("production") });
    expect(half("development", { smoke: { module: "a.ts", origins: {} } }).mode).toBe("read-only");
    expect(half("development", { oidc: { ...app.oidc, issuer: "https://login.example.org" } }).mode).toBe("read-only");
  });
});

describe("for a shell", () => {
  const reach = { address: "10.91.0.11", authority: "/var/lib/croft/root.pem", hosts: ["auth.shop.test", "www.shop.test"] };

  test("requests, with what earlier ones kept", async () => {
    const lines = toShell(
      [
        { step: "asks", url: "https://www.shop.test/config.json", wants: [200], keep: { issuer: "issuer" } },
        {
          step: "logs in",
          login: { issuer: "{issuer}", clientId: "shop", redirect: "https://www.shop.test/login", username: "ann" },
          keep: "token",
        },
        {
          step: "buys",
          method: "POST",
          url: "https://www.shop.test/orders/{id}",
          headers: { Authorization: "Bearer {token}" },
          json: { word: 'a "quoted" $HOME `id` \\ {token} {other}' },
          wants: [200, 201],
        },
        {
          step: "sends",
          url: "https://www.shop.test/files",
          file: { field: "photo", name: "a.png", type: "image/png", base64: "aGk=" },
          wants: [200],
        },
      ],
      reach,
    );
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("golden/transaction.sh");
    const script = join(folder, "script.sh");
    const curl =
      'curl() { printf "%s\\n" "$@" >&2; echo "{\\"issuer\\": \\"https://auth.shop.test\\", \\"access_token\\": \\"t0ken\\"}"; }';
    writeFileSync(script, `${curl}\nPATH=${join(process.execPath, "..")}:$PATH\n${lines.join("\n")}\n`);
    const said = execFileSync("bash", ["-eu", "-c", `. ${script} 2>&1`], {
      encoding: "utf8",
      env: { ...process.env, CROFT_PASSWORD: "p4ss" },
    });
    expect(said).toContain("Authorization: Bearer t0ken\n");
    expect(said).toContain(String.raw`{"word":"a \"quoted\" $HOME ${"`id`"} \\ t0ken {other}"}`);
    expect(said).not.toContain("p4ss");
  });

  test.each([
    [{ PATH: "id" }, "no variable of a shell"],
    [{ id: "id; rm -rf /" }, "no place in an answer"],
  ])("%o cannot be kept", (keep, message) => {
    expect(() => toShell([{ step: "a", url: "https://www.shop.test/", wants: [200], keep }], reach)).toThrow(message);
  });
});
