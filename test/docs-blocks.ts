/**
 * Commands of the guides, to be run as they stand. Fences: `sh` holds commands, `console` commands after `$ ` and what they print;
 * `sh site` and `console site` change a host and run with the end-to-end tests; `sh by hand` is not run.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Command = { readonly words: string; readonly shown: readonly string[] | undefined };
export type Block = { readonly file: string; readonly line: number; readonly where: string; readonly commands: readonly Command[] };

const PROJECT = join(import.meta.dirname, "..");
export const GUIDES: readonly string[] = ["README.md", ...globSync("docs/*.md", { cwd: PROJECT }).toSorted()];

export const readGuide = (file: string): string => readFileSync(join(PROJECT, file), "utf8");

/** Every fence's info string and text. */
export const fencesOf = (text: string): readonly { readonly info: string; readonly text: string; readonly line: number }[] =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    info: match[1] ?? "",
    text: match[2] ?? "",
    line: text.slice(0, match.index).split("\n").length,
  }));

const consoleCommands = (text: string): readonly Command[] =>
  text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [words = "", ...shown] = part.trimEnd().split("\n");
      return { words, shown };
    });

export const blocksOf = (file: string): readonly Block[] =>
  fencesOf(readGuide(file)).flatMap(({ info, text, line }) => {
    const [kind, ...where] = info.split(" ");
    if (kind !== "sh" && kind !== "console") return [];
    const commands = kind === "sh" ? [{ words: text, shown: undefined }] : consoleCommands(text);
    return [{ file, line, where: where.join(" "), commands }];
  });

/** Words stay, numbers and hashes go: they differ between hosts and runs. A time at the end of a line is there only if it was long. */
const plain = (line: string): string =>
  line
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/g, "#")
    .replaceAll(/\d+(\.\d+)*/g, "#")
    .replace(/ {2}# m?s$/, "")
    .trimEnd();

const pattern = (line: string): RegExp =>
  new RegExp(
    `^${plain(line)
      .split("…")
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );

/** Lines shown that were not said. With a line `…` the others may stand anywhere; without, the text is whole. */
export const unsaid = (shown: readonly string[], said: string): readonly string[] => {
  const lines = said.trimEnd().split("\n").map(plain);
  const open = shown.some((line) => line.trim() === "…");
  const wanted = shown.filter((line) => line.trim() !== "…" && line.trim() !== "");
  if (open) return wanted.filter((line) => !lines.some((one) => pattern(line).test(one)));
  const whole = lines.filter((line) => line !== "");
  return [
    ...wanted.filter((line, index) => !pattern(line).test(whole[index] ?? "")),
    ...whole.slice(wanted.length).map((line) => `(not shown) ${line}`),
  ];
};

/** A folder with the examples and programs named `croft` and `npx`, for commands as people type them. */
export const makePlace = (folder: string, root: string): Readonly<Record<string, string | undefined>> => {
  const programs = join(folder, ".programs");
  mkdirSync(programs, { recursive: true });
  const croft = `#!/bin/sh\nexec ${process.execPath} ${join(PROJECT, "bin", "croft")} "$@"\n`;
  for (const [name, text] of [
    ["croft", croft],
    ["npx", `#!/bin/sh\nexec "$@"\n`],
  ] as const) {
    writeFileSync(join(programs, name), text);
    chmodSync(join(programs, name), 0o755);
  }
  return {
    ...process.env,
    PATH: `${programs}:${process.env["PATH"]}`,
    CROFT_ROOT: root,
    NO_COLOR: "1",
  };
};

/** Runs one command; what it printed, or an error with all of it. */
export const runCommand = (words: string, folder: string, environment: Readonly<Record<string, string | undefined>>): string => {
  const { status, stdout } = spawnSync("bash", ["-euo", "pipefail", "-c", `exec 2>&1\n${words}`], {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    timeout: 600_000,
  });
  if (status !== 0) throw new Error(`${words}\nexited ${status}:\n${stdout}`);
  return stdout;
};
