/** `croft host trust | list`: the keys of hosts that `--on` talks to. */
import { homedir } from "node:os";
import { join } from "node:path";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { knownHostsPath } from "../../provisioner/model/names.ts";
import { checkFingerprint, pinHost, readPins } from "../../provisioner/transport/remote/known-hosts.ts";
import { hostName, parseHost } from "../../provisioner/transport/remote/target.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseWords } from "../options.ts";

export const options = jsonOption;
export const example = "croft host trust metal1 SHA256:2nZUC2pNTYGOL7JH8C7Zc3rTgJ0YDb4n1b3x4yXl0hA";

const USAGE = "croft host trust HOST[:PORT] SHA256:… | croft host list";

export const pinsFileOf = (environment: Io["environment"]): string =>
  knownHostsPath(environment["XDG_CONFIG_HOME"] ?? join(environment["HOME"] ?? homedir(), ".config"));

const trust = async (io: Io, words: readonly string[]): Promise<number> => {
  const [host, fingerprint] = words;
  if (host === undefined || fingerprint === undefined || words.length > 2)
    throw new CroftError("USAGE", "`host trust` takes a host and the fingerprint of its key", { hint: USAGE });
  const file = pinsFileOf(io.environment);
  const name = hostName(parseHost(host));
  const old = (await readPins(file)).find((pin) => pin.host === name);
  const pin = { host: name, fingerprint: checkFingerprint(fingerprint), since: new Date().toISOString() };
  if (old?.fingerprint !== pin.fingerprint) await pinHost(file, pin);
  io.out(
    `${name} is trusted with ${pin.fingerprint}${old === undefined || old.fingerprint === pin.fingerprint ? "" : ` instead of ${old.fingerprint}`}`,
  );
  return EXIT.ok;
};

const list = async (io: Io, json: boolean): Promise<number> => {
  const pins = await readPins(pinsFileOf(io.environment));
  if (json) io.out(JSON.stringify(pins));
  else pins.forEach(({ host, fingerprint, since }) => io.out(`${host.padEnd(24)} ${fingerprint}  since ${since}`));
  return EXIT.ok;
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, positionals } = parseWords(words, options);
  const [verb, ...rest] = positionals;
  if (verb === "trust") return trust(io, rest);
  if (verb === "list" && rest.length === 0) return list(io, values.json === true);
  throw new CroftError("USAGE", `unknown command \`host ${verb ?? ""}\``, { hint: USAGE });
};
