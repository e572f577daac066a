/** Commands on this host: the one door of execa, which is loaded for the first one. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createReadStream } from "node:fs";
import { CroftError } from "../errors.ts";
import { doorPoint } from "../execute/faults.ts";
import type { Command } from "./sh.ts";
import type { Result, RunOptions, Shell } from "./shell.ts";

export const OUTPUT_LIMIT = 1024 * 1024;

/** Keeps the end of a text, where errors are. */
const lastPart = (text: string): string => text.slice(-OUTPUT_LIMIT);

const inputOf = (options: RunOptions) => {
  if (options.inputFile !== undefined) return { input: createReadStream(options.inputFile) };
  return { input: options.input ?? "" };
};

const eachLine = (onLine: ((line: string) => void) | undefined) =>
  onLine === undefined
    ? []
    : [
        function* report(line: unknown) {
          onLine(String(line));
          yield line;
        },
      ];

const runLocal = async (command: Command, options: RunOptions = {}): Promise<Result> => {
  await doorPoint("before");
  const { execa } = await import("execa");
  const lines = eachLine(options.onLine);
  const result = await execa("sh", ["-c", command.text], {
    ...inputOf(options),
    reject: false,
    stripFinalNewline: false,
    maxBuffer: { stdout: 64 * OUTPUT_LIMIT, stderr: 64 * OUTPUT_LIMIT },
    ...(lines.length === 0 ? {} : { stdout: lines, stderr: lines }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  await doorPoint("after");
  if (result.timedOut) {
    throw new CroftError("COMMAND_TIMEOUT", `a command on this host took longer than ${options.timeoutMs} ms`, {
      tail: lastPart(String(result.stderr)).slice(-2000),
      transient: true,
    });
  }
  return {
    ok: !result.failed,
    exitCode: result.exitCode ?? 128,
    stdout: lastPart(String(result.stdout)),
    stderr: lastPart(String(result.stderr)),
    command: command.text,
    durationMs: result.durationMs,
  };
};

const connected = (socket: Socket, to: string): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) =>
      reject(new CroftError("TRANSPORT", `cannot connect to ${to} on this host`, { cause, transient: true })),
    );
  });

export const makeLocalShell = (): Shell => ({
  label: "this host",
  run: runLocal,
  connectUnix: (path) => connected(connect(path), path),
  connectTcp: (host, port) => connected(connect({ host, port }), `${host}:${port}`),
  close: async () => {},
});
