/** Health of what a machine's generation started: its own probes, run there and now. */
import type { Health, Operations } from "../model/contribution.ts";
import type { Shell } from "../transport/shell.ts";
import { callAgent } from "./agent.ts";

const PROBE_TIMEOUT_MS = 60_000;

const probe = async (shell: Shell): Promise<Health> => {
  const result = await callAgent(shell, ["probe"], { timeoutMs: PROBE_TIMEOUT_MS });
  const first = result.stdout.split("\n").find((line) => line.startsWith("croft-failed ")) ?? "";
  return { ok: result.ok, detail: result.ok ? "probes pass" : first.slice("croft-failed ".length) };
};

/** For services whose probes stand in their generation part. */
export const probedOperations: Operations<Shell> = { health: probe };
