/** The one door of age-encryption. Identities and recipients are X25519; loaded when first used. */
import { CroftError } from "../errors.ts";
import { Secret } from "./secret.ts";

const age = () => import("age-encryption");

/** A new identity, `AGE-SECRET-KEY-1…`. */
export const makeIdentity = async (): Promise<Secret> => new Secret(await (await age()).generateX25519Identity());

/** The public half of an identity, `age1…`. @throws CroftError SECRET where it is none. */
export const recipientOf = async (identity: Secret): Promise<string> => {
  const { identityToRecipient } = await age();
  // The library's own error may quote the identity, so it is not kept as a cause.
  return identityToRecipient(identity.reveal().trim()).catch(() => {
    throw new CroftError("SECRET", "an age identity is damaged", { hint: "restore the file from a backup" });
  });
};

/** Encrypts for every recipient. @throws CroftError SECRET where a recipient is not an age one. */
export const encryptFor = async (recipients: readonly string[], content: Secret): Promise<Uint8Array> => {
  const { Encrypter } = await age();
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) addRecipient(encrypter, recipient);
  return encrypter.encrypt(content.reveal());
};

const addRecipient = (encrypter: { addRecipient: (text: string) => void }, recipient: string): void => {
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new CroftError("SECRET", `${recipient} is not an age recipient`, {
      cause,
      hint: "a recipient starts with age1; make one with age-keygen",
    });
  }
};

/** @throws CroftError SECRET where the identity is not a recipient or the file is damaged. */
export const decryptWith = async (identity: Secret, encrypted: Uint8Array): Promise<Secret> => {
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity.reveal().trim());
  return decrypter.decrypt(encrypted, "text").then(
    (text) => new Secret(text),
    (cause: unknown) => {
      throw new CroftError("SECRET", "a file cannot be decrypted with this host's identity", { cause });
    },
  );
};
