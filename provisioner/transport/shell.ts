/** A place where commands run: this host, or a machine over SSH. */
import type { Duplex } from "node:stream";
import { CroftError } from "../errors.ts";
import type { Command } from "./sh.ts";

export type RunOptions = {
  /** Bytes for standard input; where secrets travel. */
  readonly input?: string | Uint8Array;
  /** A local file streamed to standard input (releases, tars). */
  readonly inputFile?: string;
  readonly timeoutMs?: number;
  /** Whole lines as they come, of both outputs. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
};

/** Success and failure have one shape. Outputs are cut to their last 1 MiB. */
export type Result = {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly command: string;
  readonly durationMs: number;
};

export type Shell = {
  /** What errors call it: `this host`, `machine web`. */
  readonly label: string;
  /** Runs with `sh -c` as root; a non-zero exit is a result, not an error. Throws CroftError TRANSPORT, HOST_KEY, COMMAND_TIMEOUT. */
  readonly run: (command: Command, options?: RunOptions) => Promise<Result>;
  /** A byte stream to a UNIX socket there. */
  readonly connectUnix: (path: string) => Promise<Duplex>;
  /** A byte stream to a port, opened from there. */
  readonly connectTcp: (address: string, port: number) => Promise<Duplex>;
  readonly close: () => Promise<void>;
};

const lastLines = (text: string, count: number): string => text.trimEnd().split("\n").slice(-count).join("\n");

/** Runs and demands exit code 0. @throws CroftError COMMAND_FAILED with the last lines. */
export const must = async (shell: Shell, doing: string, command: Command, options: RunOptions = {}): Promise<string> => {
  const result = await shell.run(command, options);
  if (result.ok) return result.stdout;
  throw new CroftError("COMMAND_FAILED", `${doing} on ${shell.label} failed (exit ${result.exitCode})`, {
    tail: lastLines(result.stderr.trim() === "" ? result.stdout : result.stderr, 20),
  });
};
