/** IPv4 forwarding of the host: switched on for the first site, put back as it was after the last. */
import { mkdir, readFile, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./files.ts";

const SWITCH = "/proc/sys/net/ipv4/ip_forward";

const names = (folder: string) => ({
  before: join(folder, "before"),
  user: (siteKey: string): string => join(folder, `site-${siteKey.replaceAll("/", "-")}`),
});

const forwardingFolder = (hostFolder: string): string => join(hostFolder, "forwarding");

/** Remembers, before the first change, how the host had it. */
export const claimForwarding = async (hostFolder: string, siteKey: string): Promise<void> => {
  const folder = forwardingFolder(hostFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = names(folder);
  const known = await readFile(paths.before, "utf8").catch(() => undefined);
  if (known === undefined) await replaceFile(paths.before, await readFile(SWITCH, "utf8"), 0o600);
  await replaceFile(paths.user(siteKey), "", 0o600);
};

/** Puts the switch back once no site of this host needs it. */
export const releaseForwarding = async (hostFolder: string, siteKey: string): Promise<void> => {
  const folder = forwardingFolder(hostFolder);
  const paths = names(folder);
  await rm(paths.user(siteKey), { force: true });
  const rest = await readdir(folder).catch(() => []);
  if (rest.some((name) => name.startsWith("site-"))) return;
  const before = await readFile(paths.before, "utf8").catch(() => undefined);
  if (before !== undefined) await writeFile(SWITCH, before);
  await rm(folder, { recursive: true, force: true });
  await rmdir(hostFolder).catch(() => {});
};
