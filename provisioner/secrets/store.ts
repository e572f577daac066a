/** Secrets at rest: one age file, `{name: {version: value}}`, replaced as a whole. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import { replaceFile } from "../host/files.ts";
import { decryptWith, encryptFor, recipientOf } from "./age.ts";
import { ensureIdentity, ensureOperator, readIdentity, readIfThere } from "./identity.ts";
import { Secret } from "./secret.ts";

/** Versions of one name, oldest first. */
type Versions = ReadonlyMap<string, string>;
type Content = ReadonlyMap<string, Versions>;

export type SecretEntry = { readonly name: string; readonly version: string; readonly value: Secret };

export type SecretStore = {
  readonly get: (name: string, version: string) => Promise<Secret | undefined>;
  /** Oldest first; empty where the name is unknown. */
  readonly versions: (name: string) => Promise<readonly string[]>;
  /** Adds what is missing in one write; an existing version keeps its value. Two versions a name are kept. */
  readonly add: (entries: readonly SecretEntry[]) => Promise<void>;
  readonly remove: (names: readonly string[]) => Promise<void>;
  /** Every version but these goes. */
  readonly keep: (name: string, versions: readonly string[]) => Promise<void>;
};

export type StorePaths = { readonly folder: string; readonly secrets: string; readonly identity: string };

const KEPT_VERSIONS = 2;
const EMPTY: Content = new Map();

const toContent = (text: Secret): Content =>
  new Map(
    Object.entries(JSON.parse(text.reveal()) as Record<string, Record<string, string>>).map(([name, versions]) => [
      name,
      new Map(Object.entries(versions)),
    ]),
  );

const toText = (content: Content): Secret => {
  const entries = [...content].map(([name, versions]) => [name, Object.fromEntries(versions)] as const);
  return new Secret(JSON.stringify(Object.fromEntries(entries)));
};

const withEntry = (content: Content, entry: SecretEntry): Content => {
  const versions = content.get(entry.name) ?? new Map<string, string>();
  if (versions.has(entry.version)) return content;
  const kept = [...versions].slice(-(KEPT_VERSIONS - 1));
  return new Map([...content, [entry.name, new Map([...kept, [entry.version, entry.value.reveal()]])]]);
};

const withOnly = (content: Content, name: string, wanted: readonly string[]): Content => {
  const versions = content.get(name) ?? new Map<string, string>();
  const kept = [...versions].filter(([version]) => wanted.includes(version));
  return kept.length === versions.size ? content : new Map([...content, [name, new Map(kept)]]);
};

/** Changes whenever the file was replaced; `none` where there is none. */
const fileMark = (path: string): Promise<string> =>
  stat(path).then(
    (found) => `${found.ino}/${found.mtimeMs}/${found.size}`,
    () => "none",
  );

const readContent = async (paths: StorePaths): Promise<Content> => {
  const encrypted = await readIfThere(paths.secrets);
  if (encrypted === undefined) return EMPTY;
  const identity = await readIdentity(paths.identity);
  if (identity === undefined) {
    throw new CroftError("SECRET", `${paths.secrets} is there, but the identity that opens it is not`, {
      hint: `restore ${paths.identity}, or decrypt with the operator's identity and encrypt anew`,
    });
  }
  return toContent(await decryptWith(identity, encrypted));
};

const writeContent = async (paths: StorePaths, operator: string | undefined, content: Content): Promise<void> => {
  await mkdir(dirname(paths.secrets), { recursive: true, mode: 0o700 });
  const home = await recipientOf(await ensureIdentity(paths.identity));
  const { recipient } = await ensureOperator(paths.folder, operator);
  await replaceFile(paths.secrets, await encryptFor([home, recipient], toText(content)), 0o600);
};

/** Read and decrypted once, and again only after the file was replaced by somebody else. */
export const openSecretStore = (paths: StorePaths, operator: string | undefined): SecretStore => {
  let cached: { readonly mark: string; readonly content: Promise<Content> } | undefined;
  let lastWrite: Promise<void> = Promise.resolve();

  const load = async (): Promise<Content> => {
    const mark = await fileMark(paths.secrets);
    if (cached?.mark !== mark) cached = { mark, content: readContent(paths) };
    return cached.content;
  };
  const change = (edit: (content: Content) => Content): Promise<void> => {
    const run = async (): Promise<void> => {
      const before = await load();
      const after = edit(before);
      if (after !== before) await writeContent(paths, operator, after);
    };
    const done = lastWrite.then(run);
    lastWrite = done.catch(() => {});
    return done;
  };
  return {
    get: async (name, version) => {
      const value = (await load()).get(name)?.get(version);
      return value === undefined ? undefined : new Secret(value);
    },
    versions: async (name) => [...((await load()).get(name)?.keys() ?? [])],
    add: (entries) => change((content) => entries.reduce(withEntry, content)),
    remove: (names) =>
      change((content) =>
        names.some((name) => content.has(name)) ? new Map([...content].filter(([name]) => !names.includes(name))) : content,
      ),
    keep: (name, versions) => change((content) => withOnly(content, name, versions)),
  };
};
