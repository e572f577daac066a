/** A command as a person runs it, in this process: what it said and how it ended. */
import { join } from "node:path";
import { CroftError } from "../provisioner/errors.ts";
import type { Io } from "./main.ts";
import { VERBS } from "./verbs.ts";

export const PROJECT = join(import.meta.dirname, "..");

export type Ran = { readonly code: number; readonly out: string; readonly err: string; readonly failure: Error | undefined };

const exitCodeOf = (error: unknown): number =>
  error instanceof CroftError || (error instanceof Error && "exitCode" in error) ? Number((error as CroftError).exitCode) : 1;

/** `root`: where state, caches and sockets would be. */
export const runCroft = async (root: string, ...words: readonly string[]): Promise<Ran> => {
  const [verb = "", ...rest] = words;
  const lines: { out: string[]; err: string[] } = { out: [], err: [] };
  const io: Io = {
    out: (text) => void lines.out.push(text),
    error: (text) => void lines.err.push(text),
    color: false,
    interactive: false,
    environment: { CROFT_ROOT: root, CROFT_CACHE: join(root, "cache"), CROFT_HYPERVISOR: "stand-in", PATH: process.env["PATH"] },
    folder: PROJECT,
  };
  const said = () => ({ out: lines.out.join("\n"), err: lines.err.join("\n") });
  try {
    const code = await (await VERBS[verb]?.load())?.run(rest, io, VERBS);
    return { code: code ?? 64, ...said(), failure: undefined };
  } catch (error) {
    return { code: exitCodeOf(error), ...said(), failure: error instanceof Error ? error : new Error(String(error)) };
  }
};
