/** For tests: a croft-vmm of its own in a fresh folder, and raw requests to it. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { MonitorEvent } from "../types.ts";

const PROGRAM = join(import.meta.dirname, "../../../bin/croft-vmm");
const MEBIBYTE = 1024 * 1024;

/** A folder of 15 bytes' name, so that messages with a column come out as they were recorded. */
export const makeFolder = (): string => {
  const folder = mkdtempSync("/tmp/cvm-");
  for (const [name, size] of [
    ["root.raw", 64],
    ["seed.iso", 1],
    ["extra.raw", 32],
  ] as const) {
    writeFileSync(join(folder, name), "");
    truncateSync(join(folder, name), size * MEBIBYTE);
  }
  writeFileSync(join(folder, "kernel"), "");
  mkdirSync(join(folder, "snap"));
  return folder;
};

export type RawAnswer = { readonly status?: number; readonly text?: string; readonly failure?: string };

const isOpen = (folder: string): boolean => readdirSync(folder).includes("api.sock");
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const startProgram = async (folder: string, args: readonly string[] = []) => {
  const socket = join(folder, "api.sock");
  const events = join(folder, "events.json");
  const child = spawn(process.execPath, [
    PROGRAM,
    "--api-socket",
    `path=${socket}`,
    "--event-monitor",
    `path=${events}`,
    ...(args.includes("--engine") ? [] : ["--engine", "none"]),
    ...args,
  ]);
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const exit = new Promise<number>((resolve) => child.once("exit", (code, signal) => resolve(code ?? (signal === null ? -1 : 128))));
  while (!isOpen(folder) && child.exitCode === null) await pause(10);
  /** A string body goes out as it is. */
  const call = (method: string, name: string, body?: unknown): Promise<RawAnswer> =>
    new Promise((resolve) => {
      const text = body === undefined || body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);
      const outgoing = request(
        { socketPath: socket, method, path: `/api/v1/${name}`, headers: { "Content-Length": Buffer.byteLength(text) }, agent: false },
        (incoming) => {
          let answer = "";
          incoming.on("data", (chunk) => (answer += chunk));
          incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text: answer }));
        },
      );
      outgoing.on("error", (error: NodeJS.ErrnoException) => resolve({ failure: String(error.code) }));
      outgoing.end(text);
    });
  const readEvents = (): readonly MonitorEvent[] =>
    readFileSync(events, "utf8")
      .split("\n\n")
      .filter((part) => part !== "")
      .map((part) => JSON.parse(part) as MonitorEvent);
  const stop = (signal: NodeJS.Signals = "SIGTERM"): Promise<number> => {
    child.kill(signal);
    return exit;
  };
  return {
    call,
    readEvents,
    exit,
    socket,
    pid: child.pid ?? 0,
    isAlive: (): boolean => child.exitCode === null && child.signalCode === null,
    stop,
    errors: (): string => errors,
    leftFiles: (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith("api.sock")),
    /** What the program started dies with it, and may write until then. */
    clean: async (): Promise<void> => {
      await stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
};
