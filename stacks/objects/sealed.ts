/** MinIO takes users' secrets only encrypted with the administrator's: its format, as small as one fragment. Pure but for its argument. */
import { createCipheriv, pbkdf2Sync } from "node:crypto";

const SALT = 32;
const NONCE = 8;
const PBKDF2_AES_GCM = 2;
const ROUNDS = 8192;
const FRAGMENT = 16_384;

const seal = (key: Buffer, nonce: Buffer, count: number, extra: Buffer, text: Buffer): { readonly text: Buffer; readonly tag: Buffer } => {
  const whole = Buffer.alloc(NONCE + 4);
  nonce.copy(whole);
  whole.writeUInt32LE(count, NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, whole).setAAD(extra);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return { text: sealed, tag: cipher.getAuthTag() };
};

/**
 * salt | 2 (PBKDF2, AES-256-GCM) | nonce | sealed text | tag. The tag of nothing, under count 0, goes into the only fragment's
 * additional data behind the mark of a last one.
 */
export const sealFor = (password: string, plain: string, random: (size: number) => Uint8Array): Buffer => {
  const text = Buffer.from(plain);
  if (text.length > FRAGMENT) throw new RangeError("more than one fragment");
  const salt = Buffer.from(random(SALT));
  const nonce = Buffer.from(random(NONCE));
  const key = pbkdf2Sync(password, salt, ROUNDS, 32, "sha256");
  const first = seal(key, nonce, 0, Buffer.alloc(0), Buffer.alloc(0)).tag;
  const last = seal(key, nonce, 1, Buffer.concat([Buffer.from([0x80]), first]), text);
  return Buffer.concat([salt, Buffer.from([PBKDF2_AES_GCM]), nonce, last.text, last.tag]);
};
