/** Calls of the on-machine script: script and payload travel on standard input, framed by the script's length. */
import { CroftError } from "../errors.ts";
import type { Command } from "../transport/sh.ts";
import { sh } from "../transport/sh.ts";
import type { Result, Shell } from "../transport/shell.ts";
import { AGENT } from "./agent-script.ts";

const SCRIPT = Buffer.from(AGENT, "utf8");

/** A shell reads ahead on standard input, so exactly the script's bytes are taken before it is run. */
const FRAME = 'script=$(head -c "$1"; echo x); shift; eval "${script%x}"';

export const agentCommand = (words: readonly string[], unit?: string): Command => {
  const call = sh`sh -c ${FRAME} croft ${SCRIPT.length} ${words}`;
  if (unit === undefined) return call;
  // A transient unit: what it does goes on when the connection does not.
  return sh`systemd-run --quiet --collect --wait --pipe --expand-environment=no --service-type=exec --unit=${unit} ${"sh"} -c ${FRAME} croft ${SCRIPT.length} ${words}`;
};

export const callAgent = (
  shell: Shell,
  words: readonly string[],
  options: { readonly payload?: Uint8Array; readonly unit?: string; readonly timeoutMs?: number } = {},
): Promise<Result> =>
  shell.run(agentCommand(words, options.unit), {
    input: options.payload === undefined ? SCRIPT : Buffer.concat([SCRIPT, options.payload]),
    timeoutMs: options.timeoutMs ?? 60_000,
  });

const MARK = "croft-failed ";

/** What the agent said of a failure: its own sentence, then the log it attached. */
export const agentError = (doing: string, shell: Shell, result: Result, hint: string): CroftError => {
  const lines = result.stdout.split("\n");
  const at = lines.findIndex((line) => line.startsWith(MARK));
  const what = at < 0 ? `exit ${result.exitCode}` : (lines[at] ?? "").slice(MARK.length);
  const rest = lines.slice(at + 1).filter((line) => line !== "croft-log" && line.trim() !== "");
  const tail = [...rest, result.stderr.trim()]
    .filter((line) => line !== "")
    .slice(-25)
    .join("\n");
  return new CroftError("PROBE_FAILED", `${doing} on ${shell.label} failed: ${what}`, { tail, hint });
};

export type MachineView = {
  readonly bootId: string;
  readonly current: string;
  readonly pending: string;
  /** Path to `SHA256`, `changed`, `missing`, or the mode and owner that are not as wanted. */
  readonly files: Readonly<Record<string, string>>;
  /** Path to mode and owner. */
  readonly directories: Readonly<Record<string, string>>;
  /** Unit to its active state; one that is active but not enabled, or changed by hand, says so. */
  readonly units: Readonly<Record<string, string>>;
  /** Files of Debian packages that are not as the packages brought them: path to `changed` or `missing`. */
  readonly packages: Readonly<Record<string, string>>;
  readonly firewallIntact: boolean;
  readonly slots: Readonly<
    // Modes of its files, as `0640:root:postgres`; several joined by commas.
    Record<string, { readonly version: string; readonly intact: boolean; readonly modes: string }>
  >;
  readonly diskFreeBytes: number;
  readonly systemd: string;
};

/** Words of systemd for a unit that starts by itself, or that its timer, socket or template starts. */
const ENABLED = new Set(["enabled", "alias", "static", "indirect", "generated"]);

const unitState = (active: string, enabled: string): string => {
  if (ENABLED.has(enabled)) return active;
  return `${active}, ${["disabled", "no"].includes(enabled) ? "not enabled" : enabled}`;
};

/** Reads what `observe` printed. */
export const parseView = (text: string): MachineView => {
  const single = new Map<string, string>();
  const files: Record<string, string> = {};
  const directories: Record<string, string> = {};
  const units: Record<string, string> = {};
  const packages: Record<string, string> = {};
  const slots: Record<string, MachineView["slots"][string]> = {};
  for (const line of text.split("\n")) {
    const [type = "", a = "", b = "", c = "", d = ""] = line.split(" ");
    if (type === "file") files[b] = a;
    else if (type === "unit") units[c] = unitState(a, b);
    else if (type === "directory") directories[c] = `${a} ${b}`;
    else if (type === "package") packages[b] = a;
    else if (type === "slot") slots[d] = { intact: a === "ok", version: b, modes: c };
    else single.set(type, a);
  }
  const word = (name: string): string => single.get(name) ?? "-";
  return {
    bootId: word("boot"),
    current: word("current"),
    pending: word("pending"),
    files,
    directories,
    units,
    packages,
    firewallIntact: word("firewall") === "intact",
    slots,
    diskFreeBytes: Number(word("disk")),
    systemd: word("systemd"),
  };
};

export const readView = async (shell: Shell): Promise<MachineView> => {
  const result = await callAgent(shell, ["observe"], { timeoutMs: 20_000 });
  if (!result.ok) throw agentError("looking", shell, result, "croft status");
  return parseView(result.stdout);
};
