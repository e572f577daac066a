/** What of a site goes to another host, and how the command's words read there. */
import { readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, relative, resolve } from "node:path";
import { CroftError } from "../provisioner/errors.ts";
import type { Model } from "../provisioner/model/types.ts";
import { makePack, readFolder, readPackedFile } from "../provisioner/transport/remote/pack.ts";
import type { Pack } from "../provisioner/transport/remote/pack.ts";
import { findConfig, readModel } from "./load.ts";
import type { Io } from "./main.ts";
import type { Options } from "./options.ts";

export type Asked = { readonly name: string; readonly options: Options };

export type Sent = {
  readonly pack: Pack;
  /** Folder below the pack's where the command runs; empty for the pack's own. */
  readonly workFolder: string;
  readonly words: readonly string[];
  /** Variables of this computer that the configuration takes. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where the file of `--out` goes here, and its word's index. */
  readonly out: { readonly index: number; readonly file: string } | undefined;
};

/** Options that take the next word, by the verb's own table; what names the site is looked at apart. Pure. */
const takesWord = (options: Options): ReadonlySet<string> =>
  new Set(
    Object.entries(options)
      .filter(([name, { type }]) => type === "string" && name !== "file")
      .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]),
  );

const SITE_OPTIONS = new Set(["--file", "-f"]);

/** Indexes of words that are neither options nor their values; after `--` there are none. Pure. */
export const plainWords = (words: readonly string[], options: Options): readonly number[] => {
  const end = words.indexOf("--");
  const values = takesWord(options);
  return [...words.keys()].filter(
    (index) => (end < 0 || index < end) && !(words[index] ?? "").startsWith("-") && !values.has(words[index - 1] ?? ""),
  );
};

/** The value of an option given as two words or one, with its index. Pure. */
export const optionValue = (words: readonly string[], name: string): { readonly index: number; readonly value: string } | undefined => {
  const index = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
  if (index < 0) return undefined;
  const word = words[index] ?? "";
  if (word !== name) return { index, value: word.slice(name.length + 1) };
  const value = words[index + 1];
  return value === undefined ? undefined : { index: index + 1, value };
};

const isSite = (word: string, folder: string): boolean => {
  try {
    return findConfig(word, folder) !== "" && (/\.(ya?ml|json)$/.test(word) || resolve(findConfig(word, folder)) !== resolve(folder, word));
  } catch {
    return false;
  }
};

/** The word that names the site, if any does. */
const siteIndex = (words: readonly string[], options: Options, folder: string): number | undefined =>
  plainWords(words, options).find((index) => SITE_OPTIONS.has(words[index - 1] ?? "") || isSite(words[index] ?? "", folder));

const isInside = (path: string): boolean => !path.startsWith("..") && !isAbsolute(path);

/** Folders that builds write, relative to the site's. */
const outputsOf = (model: Model): ReadonlySet<string> =>
  new Set(
    model.apps.flatMap((app) =>
      app.workloads.flatMap(({ build, source, output }) =>
        build === undefined || output === "." ? [] : [normalize(join(source, output))],
      ),
    ),
  );

const NEVER_SENT = /(^|\/)(node_modules|\.git)$/;

const variablesIn = (text: string, environment: Io["environment"]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].flatMap(([, name = ""]) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

type Place = { readonly prefix: string; readonly workFolder: string; readonly word: string | undefined };

/** The site's folder keeps its path below the current folder, so that messages read as they do here. */
const placeOf = (folder: string, config: string, word: string | undefined): Place => {
  const site = dirname(config);
  const path = relative(folder, site);
  if (path === "") return { prefix: basename(site), workFolder: basename(site), word };
  if (isInside(path))
    return { prefix: path, workFolder: "", word: word === undefined || !isAbsolute(word) ? word : relative(folder, resolve(folder, word)) };
  const inside = relative(site, resolve(folder, word ?? "."));
  return { prefix: basename(site), workFolder: "", word: join(basename(site), inside) };
};

const replaceWord = (words: readonly string[], index: number | undefined, word: string | undefined): readonly string[] =>
  words.map((old, at) => (at === index && word !== undefined ? word : old));

const outOf = (words: readonly string[], folder: string): Sent["out"] => {
  const found = optionValue(words, "--out");
  return found === undefined ? undefined : { index: found.index, file: resolve(folder, found.value) };
};

const sentPlan = async (words: readonly string[], options: Options, io: Io): Promise<Sent> => {
  const [index] = plainWords(words, options);
  const file = words[index ?? -1];
  if (file === undefined) throw new CroftError("USAGE", "apply takes one saved plan", { hint: "croft plan --out FILE" });
  const packed = await readPackedFile(resolve(io.folder, file), basename(file)).catch((cause: unknown) => {
    throw new CroftError("PLAN_INVALID", `${file} cannot be read`, { cause });
  });
  return {
    pack: makePack("plan", "the plan", [packed]),
    workFolder: "",
    words: replaceWord(words, index, basename(file)),
    variables: {},
    out: undefined,
  };
};

/** Reads the site here first, so that a mistake in it costs no connection. @throws what reading it throws */
export const sentSite = async (verb: Asked, words: readonly string[], io: Io): Promise<Sent> => {
  if (verb.name === "apply") return sentPlan(words, verb.options, io);
  const index = siteIndex(words, verb.options, io.folder);
  const word = index === undefined ? undefined : words[index];
  const config = findConfig(word ?? ".", io.folder);
  const model = await readModel(word ?? ".", optionValue(words, "--env")?.value, io);
  const place = placeOf(io.folder, config, word);
  const outputs = outputsOf(model);
  const files = await readFolder(dirname(config), place.prefix, (path) => !NEVER_SENT.test(path) && !outputs.has(path));
  return {
    pack: makePack("site", "the site", files),
    workFolder: place.workFolder,
    words: replaceWord(words, index, place.word),
    variables: variablesIn(readFileSync(config, "utf8"), io.environment),
    out: outOf(words, io.folder),
  };
};
