/** What else is on this host: its routes, and the sites whose state is kept here. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { sitePaths } from "../model/names.ts";
import type { Roots } from "../model/names.ts";
import { makeFileStore } from "../state/file-store.ts";
import type { KnownSite, Route } from "./ranges.ts";

const REJECT = 0x0200;

const address = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .map((byte) => Number.parseInt(byte, 16))
    .toReversed()
    .join(".");

const prefixOf = (hex: string): number => [...BigInt(`0x${hex || "0"}`).toString(2)].filter((bit) => bit === "1").length;

/** Routes of `/proc/net/route` that lead somewhere: no blackholes, no default. Pure. */
export const parseRoutes = (text: string): readonly Route[] =>
  text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length >= 8 && words[0] !== "*" && (Number.parseInt(words[3] ?? "0", 16) & REJECT) === 0)
    .map(([device = "", destination = "", , , , , , mask = ""]) => ({
      device,
      destination: `${address(destination)}/${prefixOf(mask)}`,
    }))
    .filter(({ destination }) => !destination.endsWith("/0"));

export const readRoutes = async (): Promise<readonly Route[]> => parseRoutes(await readFile("/proc/net/route", "utf8").catch(() => ""));

const readSite = async (site: string, environment: string, roots: Roots): Promise<readonly KnownSite[]> => {
  const paths = sitePaths({ site, environment }, roots);
  const state = await makeFileStore(paths.state)
    .read()
    .catch(() => undefined);
  if (state === undefined) return [];
  const network = state.resources.find(({ kind, status }) => kind === "network" && status === "active")?.spec ?? {};
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const published = Object.keys((network["published"] ?? {}) as object).map(Number);
  return [
    {
      site,
      environment,
      siteId: state.siteId,
      folder: paths.folder,
      subnet: text(network["blackhole"]),
      bridge: text(network["bridge"]),
      published,
    },
  ];
};

/** Every site below the state folder; what cannot be read is left out. */
export const readSites = async (roots: Roots): Promise<readonly KnownSite[]> => {
  const folders = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const names = (await folders(roots.state)).filter((name) => !name.startsWith("."));
  const found = await Promise.all(
    names.map(async (site) =>
      Promise.all((await folders(join(roots.state, site))).map((environment) => readSite(site, environment, roots))),
    ),
  );
  return found.flat(2).toSorted((a, b) => (a.folder < b.folder ? -1 : 1));
};
