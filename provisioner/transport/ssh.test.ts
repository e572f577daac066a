import { expect, test } from "vitest";
import { inspectKey, keyFingerprint, makeKeyPair } from "./ssh.ts";

test("every key is whole, also those that begin with a zero byte", () => {
  const lengths = Array.from({ length: 3000 }, () => Buffer.from(makeKeyPair("test").publicKey.split(" ")[1] ?? "", "base64").length);
  expect(new Set(lengths)).toEqual(new Set([4 + "ssh-ed25519".length + 4 + 32]));
});

test("what a text is as a key", () => {
  const pair = makeKeyPair("test");
  expect(inspectKey(pair.privateKey)).toBe("private");
  expect(inspectKey(pair.publicKey)).toBe("public");
  expect(inspectKey("hello")).toBe("unreadable");
});

test("a fingerprint is its own", () => {
  const print = keyFingerprint(makeKeyPair("test").publicKey);
  expect(keyFingerprint(print)).toBe(print);
});
