import { X509Certificate, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApplyRequest, Driver } from "../../provisioner/execute/driver.ts";
import type { Model } from "../../provisioner/model/types.ts";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { decryptWith } from "../../provisioner/secrets/age.ts";
import { authorityResource, certificateResource } from "../../provisioner/secrets/certificate-resource.ts";
import { readIdentity } from "../../provisioner/secrets/identity.ts";
import { DAY_MS, isPermitted, toSerial } from "./authority.ts";
import { authorityFile } from "./authority-files.ts";
import { authorityDriver, certificateDriver } from "./driver.ts";
import type { CertificateTools } from "./driver.ts";
import { isDue, namesOf, splitChain } from "./inspect.ts";
import { makeRsaPair } from "./keys.ts";
import { listCertificates, readAuthorityBundle, readCertificate } from "./readers.ts";

const model = { domain: "portfolio.test", network: "10.91.0.0/16", hosts: [{ name: "local" }] } as unknown as Model;
const start = Date.now();
let folder: string;
let now = start;
const counts: Record<string, number> = {};
const versions = { of: (_kind: string, name: string) => `${name}-${counts[name] ?? 0}` };
const paths = () => ({ folder, authority: join(folder, "authority"), certificates: join(folder, "certificates") });
const notes: string[] = [];

const tools = (): CertificateTools => ({
  site: "portfolio",
  paths: paths(),
  operator: undefined,
  now: () => new Date(now),
  random: randomBytes,
  // Short keys keep the test quick; real ones come from the same generator.
  makeRsaPair: () => makeRsaPair(2048),
});

const apply = (driver: Driver, resource: Resource) =>
  driver.apply({ resource, progress: (text: string) => void notes.push(text) } as unknown as ApplyRequest);
const see = async (driver: Driver, resource: Resource) =>
  (await driver.observe([{ id: resource.id, resource, recorded: undefined }])).get(resource.id);

const authority = () => authorityResource(model, versions);
const gateway = (names: readonly string[] = ["portfolio.test", "www.portfolio.test"]) =>
  certificateResource({ name: "gateway", names, versions, host: "local" });
const data = () => certificateResource({ name: "data", names: ["data.croft.internal", "10.91.0.12"], versions, host: "local" });

const openssl = (...args: readonly string[]): string => execFileSync("openssl", args, { encoding: "utf8" });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-certificates-"));
  expect(await see(authorityDriver(tools()), authority())).toEqual({ status: "absent" });
  expect(await see(certificateDriver(tools()), gateway())).toEqual({ status: "absent" });
  await apply(authorityDriver(tools()), authority());
  await apply(certificateDriver(tools()), gateway());
  await apply(certificateDriver(tools()), data());
});
afterAll(() => rm(folder, { recursive: true }));

test("what was made is what was wanted, and making it again changes nothing", async () => {
  expect(await see(authorityDriver(tools()), authority())).toEqual({ status: "present", facts: authority().spec });
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ status: "present", facts: gateway().spec });
  const before = await readCertificate(paths(), "gateway", "chain");
  await apply(authorityDriver(tools()), authority());
  await apply(certificateDriver(tools()), gateway());
  expect((await readCertificate(paths(), "gateway", "chain")).reveal()).toBe(before.reveal());
});

test("openssl accepts the chain for the site's names and addresses", async () => {
  const files = {
    ca: join(folder, "ca.pem"),
    leaf: join(folder, "leaf.pem"),
    chain: join(folder, "chain.pem"),
    // What people are told to trust.
    root: authorityFile(paths()),
  };
  await writeFile(files.ca, await readAuthorityBundle(paths()));
  for (const [name, options] of [
    ["gateway", ["-verify_hostname", "www.portfolio.test"]],
    ["data", ["-verify_ip", "10.91.0.12"]],
  ] as const) {
    const chain = splitChain((await readCertificate(paths(), name, "chain")).reveal());
    await writeFile(files.leaf, `${chain[0]}\n`);
    await writeFile(files.chain, `${chain[1]}\n`);
    expect(
      openssl("verify", "-x509_strict", "-purpose", "sslserver", ...options, "-CAfile", files.root, "-untrusted", files.chain, files.leaf),
    ).toContain("OK");
  }
  const text = openssl("x509", "-noout", "-text", "-in", files.chain);
  expect(text).toContain("CA:TRUE, pathlen:0");
  expect(text).toMatch(/Name Constraints: critical\s+Permitted:\s+DNS:portfolio.test\s+DNS:croft.internal\s+IP:10.91.0.0\/255.255.0.0/);
  const leaf = openssl("x509", "-noout", "-text", "-in", files.leaf);
  expect(leaf).toContain("TLS Web Server Authentication");
  expect(leaf).toContain("Authority Key Identifier");
});

test("a name outside the constraints is refused before it is signed", async () => {
  await expect(apply(certificateDriver(tools()), gateway(["evil.example"]))).rejects.toThrow("may not sign evil.example");
  const scope = { domain: "portfolio.test", network: "10.91.0.0/16" };
  expect(["portfolio.test", "a.portfolio.test", "x.croft.internal", "10.91.255.1"].every((name) => isPermitted(scope, name))).toBe(true);
  expect(["notportfolio.test", "10.92.0.1", "test", "localhost"].some((name) => isPermitted(scope, name))).toBe(false);
});

test("keys are open to nobody, and an open one is seen and closed", async () => {
  const found = await Promise.all(
    [paths().authority, paths().certificates].map((path) => readdir(path, { recursive: true, withFileTypes: true })),
  );
  const modes = await Promise.all(
    found
      .flat()
      .filter((one) => !one.isSymbolicLink())
      .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mode & 0o077),
  );
  expect(modes.length).toBeGreaterThan(8);
  expect(new Set(modes)).toEqual(new Set([0]));
  const key = join(paths().certificates, "gateway", "current", "key.pem");
  await chmod(key, 0o644);
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { valid: false } });
  await apply(certificateDriver(tools()), gateway());
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { valid: true } });
});

test("only the operator opens the root key", async () => {
  const file = join(paths().authority, "internal", "current", "root.key.age");
  const operator = await readIdentity(join(folder, "operator.age-key"));
  if (operator === undefined) throw new Error("no operator identity was made");
  expect(notes.join()).toContain("operator.age-key");
  const key = await decryptWith(operator, await readFile(file));
  const root = new X509Certificate(await readFile(join(paths().authority, "internal", "current", "root.pem")));
  const { createPrivateKey } = await import("node:crypto");
  expect(root.checkPrivateKey(createPrivateKey(key.reveal()))).toBe(true);
});

test("in the last third a certificate is due; a counted rotation renews it and keeps the old one beside", async () => {
  now = start + 59 * DAY_MS;
  expect((await listCertificates(paths(), new Date(now))).map(({ due }) => due)).toEqual([false, false]);
  now = start + 61 * DAY_MS;
  expect((await listCertificates(paths(), new Date(now))).map(({ name, due }) => [name, due])).toEqual([
    ["data", true],
    ["gateway", true],
  ]);
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { valid: false } });
  const old = gateway().spec["version"];
  counts["gateway"] = 1;
  expect(gateway().spec["version"]).not.toBe(old);
  await apply(certificateDriver(tools()), gateway());
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: gateway().spec });
  counts["gateway"] = 2;
  await apply(certificateDriver(tools()), gateway());
  const kept = (await readdir(join(paths().certificates, "gateway"))).filter((name) => name !== "current");
  expect(kept).toHaveLength(2);
  expect(kept).not.toContain(old);
});

test("a mixed pair is seen and replaced", async () => {
  const key = join(paths().certificates, "gateway", "current", "key.pem");
  await writeFile(key, (await makeRsaPair(2048)).privateKey.reveal());
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { valid: false } });
  await apply(certificateDriver(tools()), gateway());
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { valid: true } });
  await rm(key);
  expect(await see(certificateDriver(tools()), gateway())).toEqual({ status: "absent" });
  await apply(certificateDriver(tools()), gateway());
});

test("a new CA makes every certificate of the old one differ", async () => {
  counts["authority"] = 1;
  await apply(authorityDriver(tools()), authority());
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: { authority: "another", valid: false } });
  await apply(certificateDriver(tools()), gateway());
  expect(await see(certificateDriver(tools()), gateway())).toMatchObject({ facts: gateway().spec });
});

test("serials are positive and of one length; rubbish is no certificate", () => {
  expect(toSerial(new Uint8Array(16))).toBe(`01${"00".repeat(15)}`);
  expect(toSerial(new Uint8Array(16).fill(255))).toBe(`7f${"ff".repeat(15)}`);
  expect(isDue("rubbish", new Date())).toBe(true);
  expect(namesOf("rubbish")).toEqual([]);
});
