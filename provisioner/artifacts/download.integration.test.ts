/** Downloads from a server that misbehaves in every way a network can. */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import { download } from "./download.ts";
import type { Limits } from "./download.ts";
import { startFaultServer } from "./testing/fault-server.fixture.ts";
import type { FaultServer } from "./testing/fault-server.fixture.ts";

const BODY = randomBytes(400_000);
const SHA256 = createHash("sha256").update(BODY).digest("hex");
const FAST: Partial<Limits> = { silenceMs: 2000, attempts: 3, pauseMs: 5 };

let server: FaultServer;
let folder: string;
let file: string;
let told: string[];

beforeEach(async () => {
  server = await startFaultServer({ body: BODY });
  folder = mkdtempSync(join(tmpdir(), "croft-download-"));
  file = join(folder, "work");
  told = [];
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, limits: Partial<Limits> = {}, target = file): Promise<void> =>
  download({
    url: `${server.url}${path}`,
    sha256: SHA256,
    file: target,
    report: (text) => told.push(text),
    limits: { ...FAST, ...limits },
  });

const failure = async (promise: Promise<unknown>): Promise<CroftError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof CroftError) return error;
  throw new Error(`no CroftError: ${String(error)}`);
};

const isWhole = (): boolean => readFileSync(file).equals(BODY);

describe("what a download survives", () => {
  test.each(["/good", "/moved", "/busy"])("%s gives the file", async (path) => {
    await get(path);
    expect(isWhole()).toBe(true);
  });

  test("a connection reset three times is gone on with where it broke, by the server's tag", async () => {
    await get("/quarters");
    expect(isWhole()).toBe(true);
    expect(server.requests.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      ["bytes=100000-", '"one"'],
      ["bytes=200000-", '"one"'],
      ["bytes=300000-", '"one"'],
    ]);
    expect(told[0]).toMatch(/broke \(.*\); going on at byte 100000$/);
  });

  test.each(["/no-range", "/not-satisfiable", "/other-range"])(
    "%s: a server that cannot go on is asked for the whole file",
    async (path) => {
      await get(path);
      expect(isWhole()).toBe(true);
    },
  );

  test.each(["/changes", "/changes-silently"])("%s: the beginning of another file is thrown away", async (path) => {
    await get(path);
    expect(isWhole()).toBe(true);
  });

  test("what an earlier run left is the beginning", async () => {
    writeFileSync(file, BODY.subarray(0, 123_456));
    await get("/good");
    expect(isWhole()).toBe(true);
    expect(server.requests).toEqual([{ path: "/good", range: "bytes=123456-", ifRange: undefined }]);
  });

  test("what an earlier run left of something else is not blamed on the source", async () => {
    writeFileSync(file, randomBytes(1000));
    await get("/good");
    expect(isWhole()).toBe(true);
  });
});

describe("what ends a download, each in words of its own", () => {
  test.each([
    ["/status/403", /refuses this file \(HTTP 403\)/],
    ["/status/404", /has no such file \(HTTP 404\)/],
    ["/status/410", /taken away for good/],
    ["/status/401", /wants a login/],
    ["/status/500", /answered HTTP 500/],
    ["/page", /answered with a web page, not with the file/],
    ["/page-as-file", /answered with a web page, not with the file/],
    ["/wrong", /is not the pinned file/],
    ["/round", /redirects too often/],
    ["/first-half-only", /ended early: 200000 of 400000 bytes came/],
    ["/half-or-nothing", /ended early: (0|200000) of 400000 bytes came/],
  ])("%s", async (path, message) => {
    const error = await failure(get(path));
    expect(error.code).toBe("ARTIFACT");
    expect(error.message).toMatch(message);
  });

  test("a refusal is asked for once", async () => {
    await failure(get("/status/403"));
    expect(server.requests).toHaveLength(1);
  });

  test("the wrong digest names both", async () => {
    const error = await failure(get("/wrong"));
    expect(error.tail).toBe(`wanted sha256 ${SHA256}\ngot    sha256 ${createHash("sha256").update("other bytes").digest("hex")}`);
  });

  test("silence", async () => {
    const error = await failure(get("/silent", { silenceMs: 100, attempts: 1 }));
    expect(`${error.message} ${String(error.cause)}`).toMatch(/10 of 400000 bytes|nothing came for 0\.1 s/);
    expect(error.transient).toBe(true);
  });

  test("more bytes than any artifact has", async () => {
    expect((await failure(get("/endless", { largest: 1_000_000 }))).message).toMatch(/sends more than 1000000 bytes/);
    expect(statSync(file).size).toBeLessThan(2_000_000);
  });

  test("nobody listens", async () => {
    await server.close();
    expect((await failure(get("/good"))).message).toMatch(/cannot be reached \(ECONNREFUSED\)/);
  });

  test("a name that no server has", async () => {
    const wanted = { url: "https://artifacts.invalid/file", sha256: SHA256, file, report: () => {}, limits: FAST };
    expect((await failure(download(wanted))).message).toMatch(/^artifacts\.invalid cannot be reached \((ENOTFOUND|EAI_AGAIN)\)/);
  });

  test.skipIf(process.getuid?.() !== 0)("a full disk (mounting a small one takes root)", async () => {
    const small = join(folder, "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
    try {
      const error = await failure(get("/good", {}, join(small, "work")));
      expect(error.message).toBe(`the disk of ${small} is full`);
    } finally {
      execFileSync("umount", [small]);
    }
  });
});

describe("over TLS", () => {
  let secure: FaultServer;
  let keys: string;
  const known = getCACertificates("default");

  beforeAll(() => {
    keys = mkdtempSync(join(tmpdir(), "croft-download-keys-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const out = ["-keyout", join(keys, "key.pem"), "-out", join(keys, "cert.pem")];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", ...subject, ...out],
      {
        stdio: "ignore",
      },
    );
  });
  beforeEach(async () => {
    const tls = { key: readFileSync(join(keys, "key.pem"), "utf8"), cert: readFileSync(join(keys, "cert.pem"), "utf8") };
    secure = await startFaultServer({ body: BODY, tls, redirect: `${server.url}/good` });
  });
  afterEach(async () => {
    setDefaultCACertificates(known);
    await secure.close();
  });
  afterAll(() => rmSync(keys, { recursive: true, force: true }));

  const getSecure = (path: string): Promise<void> =>
    download({ url: `${secure.url}${path}`, sha256: SHA256, file, report: () => {}, limits: FAST });

  test("an unknown certificate is refused", async () => {
    expect((await failure(getSecure("/good"))).message).toMatch(/certificate of localhost:\d+ is not trusted here/);
    expect(secure.requests).toEqual([]);
  });

  test("a redirect away from encryption is not followed", async () => {
    setDefaultCACertificates([...known, readFileSync(join(keys, "cert.pem"), "utf8")]);
    expect((await failure(getSecure("/to-plain"))).message).toMatch(/redirects to http:.*, which is not encrypted/);
    expect(server.requests).toEqual([]);
    await getSecure("/good");
    expect(isWhole()).toBe(true);
  });

  test("nothing is left where a download failed before its first byte", async () => {
    await failure(getSecure("/good"));
    expect(existsSync(file) ? statSync(file).size : 0).toBe(0);
  });
});
