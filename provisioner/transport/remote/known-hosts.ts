/** Hosts whose keys somebody compared and trusted: one line each in the user's own file. Nothing gets there silently. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../../errors.ts";
import { replaceFile } from "../../host/files.ts";

export type Pin = { readonly host: string; readonly fingerprint: string; readonly since: string };

/** 32 bytes in base64 without its padding. */
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** @throws CroftError USAGE */
export const checkFingerprint = (text: string): string => {
  const trimmed = text.replace(/=+$/, "");
  if (FINGERPRINT.test(trimmed)) return trimmed;
  throw new CroftError("USAGE", `\`${text}\` is not a SHA256 fingerprint of a key`, {
    hint: "on the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
  });
};

const parseLine = (line: string, number: number, file: string): readonly Pin[] => {
  if (line.trim() === "" || line.startsWith("#")) return [];
  const [host, fingerprint = "", since = ""] = line.trim().split(/\s+/);
  if (host !== undefined && FINGERPRINT.test(fingerprint) && since !== "") return [{ host, fingerprint, since }];
  throw new CroftError("HOST_KEY", `line ${number} of ${file} is not HOST SHA256:… DATE`, {
    hint: "remove that line; `croft host trust HOST SHA256:…` writes it again",
  });
};

/** @throws CroftError HOST_KEY: a file that cannot be understood trusts nobody. */
export const parsePins = (text: string, file: string): readonly Pin[] =>
  text.split("\n").flatMap((line, index) => parseLine(line, index + 1, file));

export const renderPins = (pins: readonly Pin[]): string =>
  [
    "# Hosts that croft trusts: HOST FINGERPRINT SINCE",
    ...pins.map(({ host, fingerprint, since }) => `${host} ${fingerprint} ${since}`),
    "",
  ].join("\n");

/** The pins with this one in place of another of its host. */
export const withPin = (pins: readonly Pin[], pin: Pin): readonly Pin[] => [...pins.filter(({ host }) => host !== pin.host), pin];

export const readPins = async (file: string): Promise<readonly Pin[]> => {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new CroftError("HOST_KEY", `${file} cannot be read, so no host is trusted`, { cause: error });
  });
  return parsePins(text, file);
};

export const pinHost = async (file: string, pin: Pin): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, renderPins(withPin(await readPins(file), pin)), 0o600);
};
