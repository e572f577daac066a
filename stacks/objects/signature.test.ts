/** Signatures as Amazon's own examples have them; sealed texts as MinIO opens them. */
import { createCipheriv, createDecipheriv, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sealFor } from "./sealed.ts";
import { queryText, sign, signatureTime } from "../../provisioner/transport/signature.ts";

const KEY = "AKIAIOSFODNN7EXAMPLE";
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const request = {
  method: "GET",
  region: "us-east-1",
  host: "examplebucket.s3.amazonaws.com",
  path: "/",
  body: new Uint8Array(),
  time: "20130524T000000Z",
};

describe("a signature", () => {
  test.each([
    [{ lifecycle: "" }, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    [{ prefix: "J", "max-keys": "2" }, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("of the published example %j", (query, signature) => {
    const headers = sign({ ...request, query }, KEY, SECRET);
    expect(headers["authorization"]).toBe(
      `AWS4-HMAC-SHA256 Credential=${KEY}/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    );
  });

  test("orders and escapes what is asked", () => {
    expect(queryText({ b: "a b/(c)*'!", a: "ä" })).toBe("a=%C3%A4&b=a%20b%2F%28c%29%2A%27%21");
    expect(signatureTime(new Date("2026-01-02T03:04:05.678Z"))).toBe("20260102T030405Z");
  });
});

/** The other way round, step by step as the format says. */
const open = (password: string, sealed: Buffer): string => {
  const key = pbkdf2Sync(password, sealed.subarray(0, 32), 8192, 32, "sha256");
  const nonce = (count: number): Buffer => Buffer.concat([sealed.subarray(33, 41), Buffer.from([count, 0, 0, 0])]);
  const text = sealed.subarray(41, -16);
  const cipher = createDecipheriv("aes-256-gcm", key, nonce(1));
  cipher.setAuthTag(sealed.subarray(-16));
  cipher.setAAD(Buffer.concat([Buffer.from([0x80]), tagOfNothing(key, nonce(0))]));
  return Buffer.concat([cipher.update(text), cipher.final()]).toString();
};

const tagOfNothing = (key: Buffer, nonce: Buffer): Buffer => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.final();
  return cipher.getAuthTag();
};

describe("a sealed text", () => {
  const fixed = (size: number): Buffer => Buffer.alloc(size, 7);

  test("is opened by its password alone", () => {
    const sealed = sealFor("password", "a secret", fixed);
    expect(sealed.includes("a secret")).toBe(false);
    expect(open("password", sealed)).toBe("a secret");
    expect(() => open("another", sealed)).toThrow();
  });

  test("is one fragment", () => {
    expect(() => sealFor("password", "x".repeat(16_385), fixed)).toThrow("more than one fragment");
  });
});
