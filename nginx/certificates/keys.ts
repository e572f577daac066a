/** RSA pairs from Node's own generator, off the main thread. */
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { Secret } from "../../provisioner/secrets/secret.ts";
import type { KeyPair } from "./authority.ts";

const generate = promisify(generateKeyPair);

export const makeRsaPair = async (bits: number): Promise<KeyPair> => {
  const pair = await generate("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicKey: pair.publicKey, privateKey: new Secret(pair.privateKey) };
};
