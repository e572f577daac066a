/** New secret values. Randomness is an argument, so this file stays pure. */
import { Secret } from "./secret.ts";

/** Returns `size` random bytes, such as `node:crypto` `randomBytes`. */
export type RandomBytes = (size: number) => Uint8Array;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Bytes at or above this are thrown away, so that each letter is equally likely. */
const USABLE = 256 - (256 % ALPHABET.length);

/** 190 bits; no sink (URL, SQL, shell, YAML) gives a letter or digit a meaning. */
export const PASSWORD_LENGTH = 32;

export const generatePassword = (random: RandomBytes, length: number = PASSWORD_LENGTH): Secret => {
  let text = "";
  while (text.length < length) {
    const usable = [...random(length)].filter((byte) => byte < USABLE);
    text += usable.map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
  }
  return new Secret(text.slice(0, length));
};

/** Makes an ed25519 pair in OpenSSH form. */
export type MakeKeyPair = (comment: string) => { readonly privateKey: string; readonly publicKey: string };
