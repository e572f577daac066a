/** A file of a Maven repository: the one this host's Maven is configured for, or the public one. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import type { MavenSource } from "../catalogue.ts";
import { download } from "../download.ts";
import type { FetchSource } from "./source.ts";

const CENTRAL = "https://repo1.maven.org/maven2";

const elementOf = (text: string, name: string): string | undefined => new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(text)?.[1];

const servesCentral = (mirror: string): boolean => {
  const of = (elementOf(mirror, "mirrorOf") ?? "").split(",").map((word) => word.trim());
  return !of.includes("!central") && of.some((word) => word === "*" || word === "central" || word === "external:*");
};

/** The first mirror of Central that these settings files name, else Central itself. */
export const mavenBaseOf = (settings: readonly string[]): string => {
  const mirrors = settings.flatMap((text) => text.replaceAll(/<!--[\s\S]*?-->/g, "").match(/<mirror>[\s\S]*?<\/mirror>/g) ?? []);
  const found = mirrors.find((mirror) => servesCentral(mirror) && elementOf(mirror, "blocked") !== "true");
  return (found === undefined ? undefined : elementOf(found, "url"))?.replace(/\/+$/, "") ?? CENTRAL;
};

/** From the user's settings, then the system's. */
export const findMavenBase = async (): Promise<string> => {
  const files = [join(homedir(), ".m2", "settings.xml"), "/etc/maven/settings.xml"];
  return mavenBaseOf(await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => ""))));
};

export const mavenUrl = (base: string, { group, artifact, version, extension }: MavenSource): string =>
  `${base}/${group.replaceAll(".", "/")}/${artifact}/${version}/${artifact}-${version}.${extension}`;

export const fetchMaven: FetchSource<MavenSource> = async ({ partial, report, mavenBase }, source, { sha256 }) => {
  const url = mavenUrl(mavenBase, source);
  if (sha256 === undefined) throw new CroftError("ARTIFACT", `no digest is pinned for ${url}, so it is not downloaded`);
  const file = await partial(sha256);
  await download({ url, sha256, file, report });
  return file;
};
