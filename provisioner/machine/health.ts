/** Health of what a machine's generation started: its own probes, run there and now. */
import { CroftError } from "../errors.ts";
import type { Health, Operations } from "../model/contribution.ts";
import type { Shell } from "../transport/shell.ts";
import { callAgent } from "./agent.ts";

const PROBE_TIMEOUT_MS = 60_000;

const probe = async (shell: Shell): Promise<Health> => {
  const result = await callAgent(shell, ["probe"], { timeoutMs: PROBE_TIMEOUT_MS }).catch((error: unknown) => {
    if (error instanceof CroftError && error.code === "COMMAND_TIMEOUT") return undefined;
    throw error;
  });
  if (result === undefined) return { ok: false, detail: `its probes gave no answer in ${PROBE_TIMEOUT_MS / 1000} s` };
  const first = result.stdout.split("\n").find((line) => line.startsWith("croft-failed ")) ?? "";
  return { ok: result.ok, detail: result.ok ? "probes pass" : first.slice("croft-failed ".length) };
};

/** For services whose probes stand in their generation part. */
export const probedOperations: Operations<Shell> = { health: probe };
