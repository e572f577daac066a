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

/** A bucket as one route shows it. */
export type Shown = {
  readonly address: string;
  readonly port: number;
  readonly region: string;
  readonly bucket: string;
  /** The name of its key among the secrets. */
  readonly key: string;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
  readonly index: string;
  readonly spa: boolean;
  readonly notFound?: string;
  readonly timeoutSeconds: number;
};

export type BucketKey = { readonly key: string; readonly secret: string };

export type GateConfig = {
  readonly socket: string;
  readonly issuers: Readonly<Record<string, Issuer>>;
  readonly policies: Readonly<Record<string, Policy>>;
  /** Without any where no route leads to one. */
  readonly buckets?: Readonly<Record<string, Shown>>;
};

export type GateSecrets = {
  /** 32 bytes: seals cookies. */
  readonly cookieKey: Uint8Array;
  /** The key before the last rotation: still opens cookies. */
  readonly previousKey: Uint8Array | undefined;
  /** Client secrets by issuer, the newest first; none for a public client. While one is rotated, the issuer may still want the one before. */
  readonly clientSecrets: Readonly<Record<string, readonly string[]>>;
  /** Keys of buckets, by their names. */
  readonly bucketKeys: Readonly<Record<string, BucketKey>>;
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

/** One file, so that a key and its secret never come from two versions of the slot. */
const readKeys = (prefix: string, names: readonly string[]): Readonly<Record<string, BucketKey>> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const [key, secret] = (readOptional(`${prefix}bucket-${name}`) ?? "").split(" ");
      return key === undefined || secret === undefined ? [] : [[name, { key, secret }] as const];
    }),
  );

/** Reads `cookie-key`, `client-ISSUER` and each one's `-previous`, and `bucket-NAME`; `prefix` is what stands before these names, such as `/folder/`. */
export const readSecrets = async (prefix: string, { issuers: known, buckets = {} }: GateConfig): Promise<GateSecrets> => {
  const issuers = Object.keys(known);
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
    bucketKeys: readKeys(
      prefix,
      Object.values(buckets).map(({ key }) => key),
    ),
  };
};
