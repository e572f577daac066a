/** Sends packs to a host: each once, whole or not at all, whatever happens to the connection. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { sh } from "../sh.ts";
import type { Command } from "../sh.ts";
import { must } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { packSize, tarPack } from "./pack.ts";
import type { Pack } from "./pack.ts";

const compress = promisify(gzip);

/** Days after which something sent and used by nobody is removed. */
const KEPT_DAYS = 30;

/** Names of the packs that are there already; they count as used now. */
export const listCommand = (folder: string, names: readonly string[]): Command =>
  sh`cd ${folder} 2>/dev/null || exit 0; for name in ${names}; do [ ! -d "$name" ] || { touch -c "$name"; echo "$name"; }; done`;

/** Standard input becomes a pack: a name is there only once everything in it is on the disk. */
export const receiveCommand = (folder: string, name: string): Command =>
  sh`umask 022; mkdir -p -m 0700 ${folder} && cd ${folder} && work=$(mktemp -d ${`.${name}.XXXXXX`}) && if tar -xzf - --no-same-owner -C "$work" && chmod 0755 "$work" && sync -f "$work" && { mv -T "$work" ${name} 2>/dev/null || [ -d ${name} ]; }; then rm -rf "$work"; else rm -rf "$work"; exit 1; fi`;

/** Removes what nobody used for long; a machine's run script may still name an old croft. */
export const tidyCommand = (ship: string, jobs: string, state: string): Command =>
  sh`for old in $(find ${ship} -mindepth 1 -maxdepth 1 -mtime ${`+${KEPT_DAYS}`} 2>/dev/null); do grep -rqsF --include=run "$(basename "$old")" ${state} || rm -rf "$old"; done; find ${jobs} -mindepth 1 -maxdepth 1 -mtime ${`+${KEPT_DAYS}`} -exec rm -rf {} + 2>/dev/null; true`;

export type Platform = { readonly system: string; readonly machine: string };

/** What the host is. @throws CroftError HOST_UNFIT where croft cannot run there. */
export const readPlatform = async (shell: Shell): Promise<Platform> => {
  const text = await must(shell, "asking what the host is", sh`uname -s; uname -m; id -u`, { timeoutMs: 30_000 });
  const [system = "", machine = "", user = ""] = text.split("\n");
  if (system !== "Linux") throw new CroftError("HOST_UNFIT", `${shell.label} runs ${system}; croft's hosts run Linux`);
  if (user !== "0") throw new CroftError("HOST_UNFIT", `croft has to run as root on ${shell.label}`, { hint: "--on ssh://root@HOST" });
  return { system, machine };
};

export const missingPacks = async (shell: Shell, folder: string, packs: readonly Pack[]): Promise<readonly Pack[]> => {
  const names = packs.map(({ name }) => name);
  const there = new Set((await must(shell, "looking what is there", listCommand(folder, names), { timeoutMs: 30_000 })).split("\n"));
  return packs.filter(({ name }) => !there.has(name));
};

const sizeText = (bytes: number): string => (bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 1024 ** 2)} MiB`);

export const sendPack = async (shell: Shell, folder: string, pack: Pack, say: (text: string) => void): Promise<void> => {
  const input = await compress(await tarPack(pack), { level: packSize(pack) > 64 * 1024 ** 2 ? 3 : 6 });
  say(`sending ${pack.title} (${sizeText(input.length)})`);
  await must(shell, `sending ${pack.title}`, receiveCommand(folder, pack.name), { input });
};

export const shipPath = (folder: string, pack: Pack, ...rest: readonly string[]): string => join(folder, pack.name, ...rest);
