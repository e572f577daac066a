import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApplyRequest } from "../execute/driver.ts";
import type { Phase } from "../model/rotation.ts";
import { countedVersions } from "../model/versions.fixture.ts";
import type { Resource } from "../plan/resource.ts";
import { decryptWith, makeIdentity, recipientOf } from "./age.ts";
import { readPublicKey, secretDriver } from "./driver.ts";
import { readIdentity } from "./identity.ts";
import { secretResource } from "./resource.ts";
import { Secret } from "./secret.ts";
import { openSecretStore } from "./store.ts";

let folder: string;
const paths = () => ({ folder, secrets: join(folder, "secrets.age"), identity: join(folder, "identity.age-key") });
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-secrets-"));
});
afterEach(() => rm(folder, { recursive: true }));

const entry = (name: string, version: string, value: string) => ({ name, version, value: new Secret(value) });

test("what was added is read back by another run, and the file shows nothing", async () => {
  await openSecretStore(paths(), undefined).add([entry("a", "v1", "canary-1")]);
  const value = await openSecretStore(paths(), undefined).get("a", "v1");
  expect(value?.reveal()).toBe("canary-1");
  for (const file of await readdir(folder)) {
    expect(await readFile(join(folder, file), "latin1")).not.toContain("canary-1");
  }
  expect((await stat(paths().secrets)).mode & 0o777).toBe(0o600);
  expect((await stat(paths().identity)).mode & 0o777).toBe(0o600);
});

test("an existing version keeps its value; two versions are kept", async () => {
  const store = openSecretStore(paths(), undefined);
  await Promise.all([store.add([entry("a", "v1", "one")]), store.add([entry("a", "v1", "other")]), store.add([entry("b", "v1", "b")])]);
  expect((await store.get("a", "v1"))?.reveal()).toBe("one");
  await store.add([entry("a", "v2", "two")]);
  await store.add([entry("a", "v3", "three")]);
  expect(await store.versions("a")).toEqual(["v2", "v3"]);
  await store.remove(["a"]);
  expect(await store.versions("a")).toEqual([]);
  expect(await store.versions("b")).toEqual(["v1"]);
});

test("a file replaced by another process is read anew", async () => {
  const one = openSecretStore(paths(), undefined);
  await one.add([entry("a", "v1", "one")]);
  await openSecretStore(paths(), undefined).add([entry("b", "v1", "two")]);
  await one.add([entry("c", "v1", "three")]);
  expect((await openSecretStore(paths(), undefined).get("b", "v1"))?.reveal()).toBe("two");
});

test("the operator's identity opens the file too", async () => {
  const operator = await makeIdentity();
  await openSecretStore(paths(), await recipientOf(operator)).add([entry("a", "v1", "one")]);
  const text = await decryptWith(operator, await readFile(paths().secrets));
  expect(JSON.parse(text.reveal())).toEqual({ a: { v1: "one" } });
});

test("a lost or open identity and a wrong recipient are said plainly", async () => {
  const store = openSecretStore(paths(), "age1nonsense");
  await expect(store.add([entry("a", "v1", "x")])).rejects.toThrow("age1nonsense is not an age recipient");
  await openSecretStore(paths(), undefined).add([entry("a", "v1", "x")]);
  await chmod(paths().identity, 0o644);
  await expect(openSecretStore(paths(), undefined).get("a", "v1")).rejects.toThrow("can be read by others");
  await rm(paths().identity);
  await expect(openSecretStore(paths(), undefined).get("a", "v1")).rejects.toThrow("the identity that opens it is not");
  expect(await readIdentity(paths().identity)).toBeUndefined();
});

const versions = { of: () => "v1" };
const now = () => new Date("2026-11-21T12:00:00Z");
const pair = { privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", publicKey: "ssh-ed25519 AAAA croft" };
const request = (resource: Resource) =>
  ({ resource, recorded: undefined, progress: () => {}, signal: new AbortController().signal }) as unknown as ApplyRequest;

test("the driver makes a password once and finds it again", async () => {
  const driver = secretDriver({ store: openSecretStore(paths(), undefined), random: randomBytes, makeKeyPair: () => pair, now });
  const resource = secretResource({ name: "postgres/rw", form: "password", versions, host: "local" });
  const asked = [{ id: resource.id, resource, recorded: undefined }];
  expect((await driver.observe(asked)).get(resource.id)).toEqual({ status: "absent" });
  expect(await driver.apply(request(resource))).toEqual({ since: "2026-11-21T12:00:00.000Z" });
  const first = await openSecretStore(paths(), undefined).get("postgres/rw", "v1");
  await driver.apply(request(resource));
  expect((await openSecretStore(paths(), undefined).get("postgres/rw", "v1"))?.reveal()).toBe(first?.reveal());
  expect((await driver.observe(asked)).get(resource.id)).toEqual({ status: "present", facts: resource.spec });
});

test("the driver makes SSH keys and removes both halves", async () => {
  const store = openSecretStore(paths(), undefined);
  const driver = secretDriver({ store, random: randomBytes, makeKeyPair: () => pair, now });
  const resource = secretResource({ name: "ssh", form: "ssh-key", versions, host: "local" });
  await driver.apply(request(resource));
  expect(await readPublicKey(store, "ssh", "v1")).toBe(pair.publicKey);
  const observed = (await driver.observe([{ id: resource.id, resource, recorded: undefined }])).get(resource.id);
  expect(observed).toEqual({ status: "present", facts: { version: "v1", previous: "", form: "ssh-key" } });
  const recorded = { ...resource, output: {}, status: "active" as const };
  await driver.remove({ recorded } as unknown as Parameters<typeof driver.remove>[0]);
  expect(await store.versions("ssh.public")).toEqual([]);
});

test("a rotation keeps the value before it until it is over; without it, it says so", async () => {
  const store = openSecretStore(paths(), undefined);
  const driver = secretDriver({ store, random: randomBytes, makeKeyPair: () => pair, now });
  const resourceAt = (turn: number, phase: Phase | undefined) =>
    secretResource({ name: "key", form: "password", versions: countedVersions({ key: turn }, phase && { key: phase }), host: "local" });
  const still = resourceAt(0, undefined);
  const during = resourceAt(1, "added");
  const after = resourceAt(1, undefined);
  const facts = async (resource: Resource) => (await driver.observe([{ id: resource.id, resource, recorded: undefined }])).get(resource.id);
  await expect(driver.apply(request(during))).rejects.toThrow("key had before its rotation is not in the store");
  await driver.apply(request(still));
  const [old] = await store.versions("key");
  expect(await facts(during)).toEqual({ status: "present", facts: { ...still.spec } });
  await driver.apply(request(during));
  expect(await facts(during)).toEqual({ status: "present", facts: during.spec });
  expect(during.spec["previous"]).toBe(old);
  expect(await facts(after)).toEqual({ status: "present", facts: during.spec });
  await driver.apply(request(after));
  expect(await facts(after)).toEqual({ status: "present", facts: after.spec });
  expect(await store.versions("key")).toEqual([after.spec["version"]]);
});
