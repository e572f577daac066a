/** Age identities as files: the home host's own, and the operator's where none is configured. */
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CroftError } from "../errors.ts";
import { replaceFile } from "../host/files.ts";
import { makeIdentity, recipientOf } from "./age.ts";
import { Secret } from "./secret.ts";

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** Text of a file, undefined where there is none. */
export const readIfThere = async (path: string): Promise<Buffer | undefined> =>
  readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw new CroftError("SECRET", `${path} cannot be read`, { cause: error });
  });

const refuseOpenToOthers = async (path: string): Promise<void> => {
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  throw new CroftError("SECRET", `${path} can be read by others than its owner`, { hint: `chmod 0600 ${path}` });
};

/** Undefined where the file is not there. @throws CroftError SECRET where others could read it. */
export const readIdentity = async (path: string): Promise<Secret | undefined> => {
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  await refuseOpenToOthers(path);
  return new Secret(content.toString("utf8").trim());
};

/** Steps run side by side: whoever asks for the same file at the same time gets the same answer. */
const shared = <T>() => {
  const running = new Map<string, Promise<T>>();
  return (path: string, work: () => Promise<T>): Promise<T> => {
    const known = running.get(path);
    if (known !== undefined) return known;
    const started = work().finally(() => running.delete(path));
    running.set(path, started);
    return started;
  };
};
const oneIdentity = shared<Secret>();
const oneOperator = shared<Operator>();

/** The identity in `path`, made at first use: 0600 in a folder of 0700. */
export const ensureIdentity = (path: string): Promise<Secret> => oneIdentity(path, () => makeOrRead(path));

const makeOrRead = async (path: string): Promise<Secret> => {
  const found = await readIdentity(path);
  if (found !== undefined) return found;
  const made = await makeIdentity();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, `${made.reveal()}\n`, 0o600);
  return made;
};

export type Operator = {
  /** `age1…` */
  readonly recipient: string;
  /** Where croft wrote an identity of its own making; undefined: the operator named a recipient. */
  readonly identityFile?: string;
};

/**
 * Who alone can read the root key. Without a configured recipient croft makes an identity beside the
 * site's state and remembers its public half, so the identity itself can be moved to a safe place.
 */
export const ensureOperator = async (folder: string, configured: string | undefined): Promise<Operator> =>
  configured === undefined ? oneOperator(folder, () => makeOperator(folder)) : { recipient: configured };

const makeOperator = async (folder: string): Promise<Operator> => {
  const identityFile = join(folder, "operator.age-key");
  const publicFile = join(folder, "operator.age-recipient");
  const known = await readIfThere(publicFile);
  if (known !== undefined) return { recipient: known.toString("utf8").trim(), identityFile };
  const recipient = await recipientOf(await ensureIdentity(identityFile));
  await replaceFile(publicFile, `${recipient}\n`, 0o644);
  return { recipient, identityFile };
};
