/** Whether a release answers: asked on its machine, on the path its workload names. */
import { CroftError } from "../../provisioner/errors.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";

const healthUrl = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`;

/** One question. */
export const answersWell = async (shell: Shell, port: number, path: string): Promise<boolean> =>
  (await shell.run(sh`curl -sS --max-time 3 -o /dev/null --fail ${healthUrl(port, path)}`)).ok;

export type Wait = { readonly unit: string; readonly port: number; readonly path: string; readonly seconds: number };

/** Asks until it answers well, the unit ends for good, or time is up. @throws CroftError PROBE_FAILED with the unit's last lines */
export const waitReady = async (shell: Shell, { unit, port, path, seconds }: Wait): Promise<void> => {
  const url = healthUrl(port, path);
  const result = await shell.run(
    sh`end=$(($(date +%s) + ${seconds})); while :; do if answer=$(curl -sS --max-time 3 --fail-with-body ${url} 2>&1); then exit 0; fi; if systemctl is-failed --quiet ${unit}; then echo "the unit failed"; exit 2; fi; if [ "$(date +%s)" -ge "$end" ]; then printf '%s\n' "$answer"; exit 1; fi; sleep 0.1; done`,
    { timeoutMs: (seconds + 20) * 1000 },
  );
  if (result.ok) return;
  const log = await shell.run(sh`journalctl --no-pager --quiet --output=cat --lines=20 --unit=${unit}`);
  throw new CroftError(
    "PROBE_FAILED",
    `${unit} did not become ready: ${url} on ${shell.label} said ${result.stdout.trim().slice(0, 300)}`,
    {
      tail: log.stdout.trimEnd(),
      hint: "the release before it, if there was one, still serves; fix the source and run `croft up` again",
    },
  );
};
