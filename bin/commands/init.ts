/** `croft init`: a small site to start from; nothing that is there is touched. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { initText } from "../../provisioner/config/init.ts";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import type { Io } from "../main.ts";
import { parseOptions } from "../options.ts";
import type { Options } from "../options.ts";

const siteFrom = (folder: string): string => {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "")
    .slice(0, 20);
  return name === "" ? "site" : name;
};

export const options = {
  name: { type: "string", value: "NAME", summary: "the site's name; the folder's by default" },
  domain: { type: "string", value: "DOMAIN", summary: "the site's domain; NAME.test by default" },
} as const satisfies Options;
export const example = "croft init hello";

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const { values, site } = parseOptions(words, options);
  const folder = resolve(io.folder, site);
  const name = values.name ?? siteFrom(folder);
  const files = initText(name, values.domain ?? `${name}.test`);
  const there = files.find(({ path }) => existsSync(join(folder, path)));
  if (there !== undefined) throw new CroftError("USAGE", `${join(folder, there.path)} is there already`, { hint: "croft up" });
  for (const { path, content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { flag: "wx" });
    io.out(`wrote ${join(site, path)}`);
  }
  io.out(`\nNext: croft up ${site}`);
  return EXIT.ok;
};
