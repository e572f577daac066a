/** The site's names in this computer's /etc/hosts: only where somebody asked for them. */
import { readFile } from "node:fs/promises";
import type { Driver } from "../execute/driver.ts";
import { resourceId } from "../model/names.ts";
import { safeAddress, safeHostname } from "../model/safe.ts";
import type { Observation, Resource } from "../plan/resource.ts";
import { replaceFile } from "./files.ts";

const FILE = "/etc/hosts";

export const hostsLine = (address: string, names: readonly string[]): string =>
  `${safeAddress(address)} ${names.map(safeHostname).join(" ")}`;

export const namesResource = (host: string, address: string, names: readonly string[]): Resource => ({
  id: resourceId("names", host),
  kind: "names",
  host,
  spec: { line: hostsLine(address, names) },
  needs: [],
});

const markOf = (siteId: string): string => `# croft:${siteId}`;

/** The file without the site's own line. Pure. */
export const withoutSite = (text: string, siteId: string): string =>
  text
    .split("\n")
    .filter((line) => !line.endsWith(markOf(siteId)))
    .join("\n");

/** The file with the site's line as its last. Pure. */
export const withSite = (text: string, siteId: string, line: string): string => {
  const rest = withoutSite(text, siteId);
  return `${rest}${rest === "" || rest.endsWith("\n") ? "" : "\n"}${line} ${markOf(siteId)}\n`;
};

const observe = async (siteId: string): Promise<Observation> => {
  const found = (await readFile(FILE, "utf8")).split("\n").find((line) => line.endsWith(markOf(siteId)));
  if (found === undefined) return { status: "absent" };
  return { status: "present", facts: { line: found.slice(0, -markOf(siteId).length).trimEnd() } };
};

export const makeHostsDriver = (siteId: string): Driver => ({
  kind: "names",
  observe: async (requests) => new Map(await Promise.all(requests.map(async ({ id }) => [id, await observe(siteId)] as const))),
  apply: async (request) => {
    const text = await readFile(FILE, "utf8");
    await replaceFile(FILE, withSite(text, siteId, String(request.resource.spec["line"])), 0o644);
    return {};
  },
  remove: async () => {
    await replaceFile(FILE, withoutSite(await readFile(FILE, "utf8"), siteId), 0o644);
  },
});
