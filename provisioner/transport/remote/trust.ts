/** A connection to a host whose key somebody compared; a key that nobody did, or another one, ends it before anything is sent. */
import { CroftError } from "../../errors.ts";
import type { Shell } from "../shell.ts";
import { makeSshShell } from "../ssh.ts";
import type { Login, SshTarget } from "../ssh.ts";
import { checkFingerprint, pinHost, readPins } from "./known-hosts.ts";
import type { Pin } from "./known-hosts.ts";
import { readPlatform } from "./ship.ts";
import type { Platform } from "./ship.ts";
import { hostName, renderAddress } from "./target.ts";
import type { Address } from "./target.ts";

export type TrustInput = {
  readonly address: Address;
  readonly pinsFile: string;
  /** A fingerprint given for a first contact. */
  readonly hostKey: string | undefined;
  readonly logins: readonly Login[];
  readonly now: () => string;
  /** Asks a person at a terminal; undefined where there is none. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  readonly say: (text: string) => void;
};

export type Host = { readonly target: SshTarget; readonly shell: Shell; readonly platform: Platform };

const CONNECT_MS = 15_000;
const COMPARE = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub";

const unknownHost = (name: string, offered: string, wanted: string | undefined): CroftError =>
  new CroftError(
    "HOST_KEY",
    `${wanted === undefined ? `${name} is not known here` : `the SSH host key of ${name} is not the one given`}; nothing was sent`,
    {
      tail: [`offered ${offered}`, ...(wanted === undefined ? [] : [`given   ${wanted}`])].join("\n"),
      hint: `compare it on the host's own console (\`${COMPARE}\`), then: croft host trust ${name} ${offered}`,
    },
  );

const changedHost = (name: string, offered: string, pin: Pin): CroftError =>
  new CroftError("HOST_KEY", `the SSH host key of ${name} has changed; nothing was sent`, {
    tail: [`offered ${offered}`, `pinned  ${pin.fingerprint} since ${pin.since}`].join("\n"),
    hint: `somebody may be in between; if the host was installed anew (\`${COMPARE}\` there), then: croft host trust ${name} ${offered}`,
  });

const checkGiven = (name: string, given: string | undefined, pin: Pin | undefined): string | undefined => {
  const wanted = given === undefined ? undefined : checkFingerprint(given);
  if (wanted === undefined || pin === undefined || pin.fingerprint === wanted) return wanted;
  throw new CroftError("HOST_KEY", `--host-key is not the key that is pinned for ${name}; nothing was sent`, {
    tail: `given   ${wanted}\npinned  ${pin.fingerprint} since ${pin.since}`,
    hint: `if the host has a new key: croft host trust ${name} ${wanted}`,
  });
};

/** @throws CroftError HOST_KEY, TRANSPORT, HOST_UNFIT */
export const openHost = async (input: TrustInput): Promise<Host> => {
  const name = hostName(input.address);
  const pin = (await readPins(input.pinsFile)).find(({ host }) => host === name);
  const wanted = checkGiven(name, input.hostKey, pin);
  let seen: string | undefined;
  const open = async (trusted: string | undefined): Promise<Host> => {
    const target: SshTarget = {
      ...input.address,
      label: name,
      logins: input.logins,
      hostKeys: trusted === undefined ? [] : [trusted],
      connectTimeoutMs: CONNECT_MS,
      refuse: (offered) => {
        seen = offered;
        return pin === undefined ? unknownHost(name, offered, wanted) : changedHost(name, offered, pin);
      },
    };
    const shell = makeSshShell(target);
    const platform = await readPlatform(shell).catch(async (error: unknown) => {
      await shell.close();
      throw error;
    });
    if (pin === undefined && trusted !== undefined) await pinHost(input.pinsFile, { host: name, fingerprint: trusted, since: input.now() });
    return { target, shell, platform };
  };
  const trusted = pin?.fingerprint ?? wanted;
  return open(trusted).catch(async (error: unknown) => {
    if (trusted !== undefined || seen === undefined || input.ask === undefined) throw error;
    input.say(
      `${renderAddress(input.address)} was never contacted from here. It shows the key\n  ${seen}\nCompare it with what \`${COMPARE}\` prints on the host's own console.`,
    );
    if (!(await input.ask("Is it the same?"))) throw error;
    return open(seen);
  });
};
