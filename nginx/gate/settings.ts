/** What the gate is told by its two files: the configuration of its generation, and the secrets of its slot. */
import { readFileSync } from "node:fs";

export type Issuer = {
  /** Exactly what tokens say in `iss`; discovery starts there. */
  readonly url: string;
  /** What tokens must say in `aud`. */
  readonly audience: string;
  /** Where roles stand in a token, such as `["realm_access", "roles"]`. */
  readonly rolesClaim: readonly string[];
  /** The client that signs people in; undefined where no policy is a session. */
  readonly client?: string;
};

/** What a route demands. */
export type Policy = { readonly mode: "jwt" | "session"; readonly issuer: string; readonly role?: string };

export type GateConfig = {
  readonly socket: string;
  readonly issuers: Readonly<Record<string, Issuer>>;
  readonly policies: Readonly<Record<string, Policy>>;
};

export type GateSecrets = {
  /** 32 bytes: seals cookies. */
  readonly cookieKey: Uint8Array;
  /** The key before the last rotation: still opens cookies. */
  readonly previousKey: Uint8Array | undefined;
  /** Client secrets by issuer, the newest first; none for a public client. While one is rotated, the issuer may still want the one before. */
  readonly clientSecrets: Readonly<Record<string, readonly string[]>>;
};

/** @throws Error where the file is missing or not JSON: the unit fails and says so */
export const readConfig = (file: string): GateConfig => JSON.parse(readFileSync(file, "utf8")) as GateConfig;

const readOptional = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** A key file holds any text with enough chance in it; the key is as long as the cipher wants. */
const toKey = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`croft gate cookie\n${text}`)));

/** Reads `cookie-key`, `client-ISSUER` and each one's `-previous`; `prefix` is what stands before these names, such as `/folder/`. */
export const readSecrets = async (prefix: string, issuers: readonly string[]): Promise<GateSecrets> => {
  const key = readOptional(`${prefix}cookie-key`);
  if (key === undefined) throw new Error(`there is no ${prefix}cookie-key`);
  const previous = readOptional(`${prefix}cookie-key-previous`);
  const secrets = issuers.flatMap((name) => {
    const found = [`client-${name}`, `client-${name}-previous`].flatMap((file) => readOptional(`${prefix}${file}`) ?? []);
    return found.length === 0 ? [] : [[name, found] as const];
  });
  return {
    cookieKey: await toKey(key),
    previousKey: previous === undefined ? undefined : await toKey(previous),
    clientSecrets: Object.fromEntries(secrets),
  };
};
