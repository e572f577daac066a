import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeKeyPair } from "../ssh.ts";
import { findLogins } from "./identity.ts";

let home = "";
const pair = makeKeyPair("test");
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(home, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};
const named = (identity: string) => findLogins({ identity, agent: undefined, home });

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "croft identity "));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("a good key is taken", async () => {
  const path = file("good", pair.privateKey);
  expect(await named(path)).toEqual([{ type: "key", key: pair.privateKey, name: path }]);
});

test.each([
  ["missing", undefined, 0o600, "is not there", "ssh-keygen -t ed25519 -f 'FILE'"],
  ["public.pub", pair.publicKey, 0o600, "is a public key; the private one is needed", "--identity 'HOME/public'"],
  ["open", pair.privateKey, 0o640, "can be read by others (mode 640)", "chmod 600 'FILE'"],
  ["windows", pair.privateKey.replaceAll("\n", "\r\n"), 0o600, "has Windows line ends (CRLF)", "sed -i 's/\\r$//' 'FILE'"],
  ["noise", "hello\n", 0o600, "is not a private key", "ssh-keygen -y -f 'FILE' shows whether OpenSSH can read it"],
])("a key file that is %s is named with what mends it", async (name, text, mode, what, hint) => {
  const path = text === undefined ? join(home, name) : file(name, text, mode);
  await expect(named(path)).rejects.toMatchObject({
    code: "USAGE",
    message: `the key file ${path} ${what}`,
    hint: hint.replace("FILE", path).replace("HOME", home),
  });
});

test("an encrypted key goes through the agent", async () => {
  const { utils } = (await import("ssh2")).default;
  const locked = utils.generateKeyPairSync("ed25519", { passphrase: "x", cipher: "aes256-ctr", rounds: 1 }).private;
  const path = file("locked", locked);
  await expect(named(path)).rejects.toMatchObject({
    message: `the key file ${path} is encrypted with a passphrase`,
    hint: `eval "$(ssh-agent)" && ssh-add '${path}'`,
  });
});

test("the line ends that the hint mends are mended", () => {
  const path = file("mended", pair.privateKey.replaceAll("\n", "\r\n"));
  execFileSync("sed", ["-i", String.raw`s/\r$//`, path]);
  expect(readFileSync(path, "utf8")).toBe(pair.privateKey);
});

test("the agent comes first, then the usual keys; a bad one matters only alone", async () => {
  const { rejects } = expect(findLogins({ identity: undefined, agent: undefined, home }));
  await rejects.toThrow(`there is no key to log in with: no ssh-agent, and none of id_ed25519, id_ecdsa, id_rsa in ${home}/.ssh`);
  mkdirSync(join(home, ".ssh"));
  const bad = file(".ssh/id_ed25519", pair.privateKey, 0o644);
  await expect(findLogins({ identity: undefined, agent: undefined, home })).rejects.toThrow(`${bad} can be read by others (mode 644)`);
  expect(await findLogins({ identity: undefined, agent: "/run/agent", home })).toEqual([{ type: "agent", socket: "/run/agent" }]);
  const good = file(".ssh/id_rsa", pair.privateKey);
  expect(await findLogins({ identity: undefined, agent: "/run/agent", home })).toEqual([
    { type: "agent", socket: "/run/agent" },
    { type: "key", key: pair.privateKey, name: good },
  ]);
});
