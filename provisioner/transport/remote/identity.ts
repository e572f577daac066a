/** Ways to log in to a host: the agent's keys and the user's key files; a file that cannot be one is named with what mends it. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { quoteWord } from "../sh.ts";
import { inspectKey } from "../ssh.ts";
import type { Login } from "../ssh.ts";

const DEFAULT_NAMES = ["id_ed25519", "id_ecdsa", "id_rsa"] as const;

export type KeyFault = { readonly what: string; readonly hint: string };

type KeyFile = { readonly path: string; readonly text: string; readonly mode: number };

/** Why a file is no key to log in with; undefined where it is one. Pure. */
export const keyFault = ({ path, text, mode }: KeyFile): KeyFault | undefined => {
  const word = quoteWord(path);
  if (text.includes("\r")) return { what: "has Windows line ends (CRLF)", hint: `sed -i 's/\\r$//' ${word}` };
  const kind = inspectKey(text);
  if (kind === "public")
    return { what: "is a public key; the private one is needed", hint: `--identity ${quoteWord(path.replace(/\.pub$/, ""))}` };
  if (kind === "encrypted") return { what: "is encrypted with a passphrase", hint: `eval "$(ssh-agent)" && ssh-add ${word}` };
  if (kind === "unreadable") return { what: "is not a private key", hint: `ssh-keygen -y -f ${word} shows whether OpenSSH can read it` };
  if ((mode & 0o077) !== 0) return { what: `can be read by others (mode ${(mode & 0o777).toString(8)})`, hint: `chmod 600 ${word}` };
  return undefined;
};

const refuse = (path: string, { what, hint }: KeyFault): CroftError => new CroftError("USAGE", `the key file ${path} ${what}`, { hint });

const readKeyFile = async (path: string): Promise<KeyFile | undefined> => {
  try {
    return { path, text: await readFile(path, "utf8"), mode: (await stat(path)).mode };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CroftError("USAGE", `the key file ${path} cannot be read`, { cause });
  }
};

/** The one key that was asked for. @throws CroftError USAGE */
const namedLogin = async (path: string): Promise<Login> => {
  const file = await readKeyFile(path);
  if (file === undefined) throw refuse(path, { what: "is not there", hint: `ssh-keygen -t ed25519 -f ${quoteWord(path)}` });
  const fault = keyFault(file);
  if (fault !== undefined) throw refuse(path, fault);
  return { type: "key", key: file.text, name: path };
};

/** The user's usual keys, good and bad. */
const usualKeys = async (home: string): Promise<{ readonly good: readonly Login[]; readonly bad: readonly CroftError[] }> => {
  const files = await Promise.all(DEFAULT_NAMES.map((name) => readKeyFile(join(home, ".ssh", name))));
  const found = files.flatMap((file) => (file === undefined ? [] : [{ file, fault: keyFault(file) }]));
  return {
    good: found.flatMap(({ file, fault }) => (fault === undefined ? [{ type: "key", key: file.text, name: file.path } as const] : [])),
    bad: found.flatMap(({ file, fault }) => (fault === undefined ? [] : [refuse(file.path, fault)])),
  };
};

export type LoginInput = { readonly identity: string | undefined; readonly agent: string | undefined; readonly home: string };

/** In the order they are tried. @throws CroftError USAGE where there is none. */
export const findLogins = async ({ identity, agent, home }: LoginInput): Promise<readonly Login[]> => {
  if (identity !== undefined) return [await namedLogin(identity)];
  const { good, bad } = await usualKeys(home);
  const logins: readonly Login[] = [...(agent === undefined || agent === "" ? [] : [{ type: "agent", socket: agent } as const]), ...good];
  const [first] = bad;
  if (logins.length === 0 && first !== undefined) throw first;
  if (logins.length === 0)
    throw new CroftError(
      "USAGE",
      `there is no key to log in with: no ssh-agent, and none of ${DEFAULT_NAMES.join(", ")} in ${join(home, ".ssh")}`,
      {
        hint: "--identity FILE, or make one: ssh-keygen -t ed25519",
      },
    );
  return logins;
};
