/** SCRAM-SHA-256 verifiers: whether the stored one fits a password, without ever sending the password. Pure. */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";

const FORM = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/;
const KEY_BYTES = 32;
const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** `pg_authid.rolpassword` against a password. */
export const verifierFits = (verifier: string, password: string): boolean => {
  const [, iterations, salt, stored] = FORM.exec(verifier) ?? [];
  if (iterations === undefined || salt === undefined || stored === undefined) return false;
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), KEY_BYTES, "sha256");
  const key = createHash("sha256").update(hmac(salted, "Client Key")).digest();
  const wanted = Buffer.from(stored, "base64");
  return wanted.length === key.length && timingSafeEqual(wanted, key);
};

/** A verifier for a password: what is sent instead of it, so that no log can show it. */
export const makeVerifier = (password: string, salt: Buffer, iterations: number): string => {
  const salted = pbkdf2Sync(password, salt, iterations, KEY_BYTES, "sha256");
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${hmac(salted, "Server Key").toString("base64")}`;
};
