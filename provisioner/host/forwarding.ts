/**
 * IPv4 forwarding of the host: switched on for the first site, put back as it was after the last. The switch belongs to the
 * host, so its folder is one for all sites of all roots; a claim names what shows that its site is still there.
 */
import { mkdir, readFile, readdir, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../errors.ts";
import { tryFlock } from "../execute/flock.ts";
import { replaceFile } from "./files.ts";

export const FORWARDING_SWITCH = "/proc/sys/net/ipv4/ip_forward";

export type ForwardingTools = {
  /** One on this host, whatever the site's own root. */
  readonly folder: string;
  /** `/proc/sys/net/ipv4/ip_forward`. */
  readonly switchFile: string;
  /** The firewall tables that are there now, by name. */
  readonly tables: () => Promise<readonly string[]>;
};

export type ForwardingClaim = {
  /** The site's own table: unique on the host. */
  readonly table: string;
  /** The site's folder, there from before its claim to after its removal. */
  readonly siteFolder: string;
};

const TABLE = /^croft_[0-9a-f]+$/;

const beforeFile = (folder: string): string => join(folder, "before");
const claimFile = (folder: string, table: string): string => join(folder, `site-${table}`);
const readText = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const LOCK_TRIES = 200;

/** One site at a time, whatever its root: the lock is the switch itself, which needs no file of its own. */
const alone = async (tools: ForwardingTools, work: () => Promise<void>): Promise<void> => {
  for (let tries = 0; tries < LOCK_TRIES; tries += 1) {
    const held = await tryFlock(tools.switchFile);
    if (held !== undefined) return work().finally(held.release);
    await sleep(50);
  }
  throw new CroftError("LOCKED", `another croft holds ${tools.switchFile}`, { hint: "run the same command again" });
};

const claim = async (tools: ForwardingTools, { table, siteFolder }: ForwardingClaim): Promise<void> => {
  await mkdir(tools.folder, { recursive: true, mode: 0o700 });
  const before = beforeFile(tools.folder);
  if ((await readText(before)) === undefined) await replaceFile(before, await readFile(tools.switchFile, "utf8"), 0o600);
  await replaceFile(claimFile(tools.folder, table), siteFolder, 0o600);
};

/** Remembers, before the first change, how the host had it. */
export const claimForwarding = (tools: ForwardingTools, wanted: ForwardingClaim): Promise<void> => alone(tools, () => claim(tools, wanted));

/** A site that is being made has no table yet, one that came back after a reboot may have no claim: either says it is there. */
const isUsed = async (tools: ForwardingTools, own: string): Promise<boolean> => {
  if ((await tools.tables()).some((table) => TABLE.test(table) && table !== own)) return true;
  const claims = (await readdir(tools.folder).catch(() => [])).filter((name) => name.startsWith("site-"));
  const folders = await Promise.all(claims.map((name) => readText(join(tools.folder, name))));
  const alive = await Promise.all(folders.map((siteFolder) => exists(siteFolder ?? "")));
  return alive.includes(true);
};

const release = async (tools: ForwardingTools, { table }: ForwardingClaim): Promise<void> => {
  await rm(claimFile(tools.folder, table), { force: true });
  if (await isUsed(tools, table)) return;
  const before = await readText(beforeFile(tools.folder));
  if (before !== undefined) await writeFile(tools.switchFile, before);
  await rm(tools.folder, { recursive: true, force: true });
  await rmdir(dirname(tools.folder)).catch(() => {});
};

/** Puts the switch back once no site of this host needs it. The site's own table and folder are gone already. */
export const releaseForwarding = (tools: ForwardingTools, wanted: ForwardingClaim): Promise<void> =>
  alone(tools, () => release(tools, wanted));
