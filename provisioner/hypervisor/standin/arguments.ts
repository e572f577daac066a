/** The command line: the options croft uses, in the real program's syntax, and `--engine`. */
import { parseArgs } from "node:util";
import type { Engine } from "./core/ports.ts";

export type EngineName = Engine["name"];
export type Target = { readonly path: string } | { readonly fd: number };
export type Arguments = {
  readonly apiSocket: string;
  readonly events: Target | undefined;
  readonly engine: EngineName;
  readonly keepAfterPowerOff: boolean;
  readonly version: boolean;
};

const toTarget = (option: string, value: string): Target => {
  if (value.startsWith("path=")) return { path: value.slice("path=".length) };
  const fd = /^fd=(\d+)$/.exec(value)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  if (option === "--api-socket" && value !== "") return { path: value };
  throw new Error(`${option} takes path=FILE, not ${value}`);
};

const toEngine = (value: string): EngineName => {
  if (value === "none" || value === "nspawn" || value === "qemu") return value;
  throw new Error(`no engine is called ${value}: none, nspawn, qemu`);
};

/** @throws Error with one line for the reader. */
export const parseArguments = (argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Arguments => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      "api-socket": { type: "string" },
      "event-monitor": { type: "string" },
      engine: { type: "string" },
      "no-shutdown": { type: "boolean" },
      seccomp: { type: "string" },
      "log-file": { type: "string" },
      v: { type: "boolean", short: "v", multiple: true },
      version: { type: "boolean", short: "V" },
    },
  });
  const socket = values["api-socket"] === undefined ? undefined : toTarget("--api-socket", values["api-socket"]);
  const events = values["event-monitor"];
  if (values.version !== true && (socket === undefined || "fd" in socket)) throw new Error("--api-socket path=FILE is needed");
  return {
    apiSocket: socket !== undefined && "path" in socket ? socket.path : "",
    events: events === undefined ? undefined : toTarget("--event-monitor", events),
    engine: toEngine(values.engine ?? environment["CROFT_VMM_ENGINE"] ?? "nspawn"),
    keepAfterPowerOff: values["no-shutdown"] === true,
    version: values.version === true,
  };
};
