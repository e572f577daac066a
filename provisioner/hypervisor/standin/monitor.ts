/** The event monitor's file: pretty-printed JSON, each record followed by a blank line. */
import { openSync, writeSync } from "node:fs";
import type { Emit } from "./core/session.ts";

/** Empties the file, or uses descriptor `fd=N`; times count from this call. Write errors are dropped. */
export const makeMonitor = (target: { readonly path: string } | { readonly fd: number } | undefined): Emit => {
  const started = process.hrtime.bigint();
  const handle = target === undefined ? undefined : "fd" in target ? target.fd : openSync(target.path, "w", 0o600);
  return (source, event, properties) => {
    if (handle === undefined) return;
    const elapsed = process.hrtime.bigint() - started;
    const timestamp = { secs: Number(elapsed / 1_000_000_000n), nanos: Number(elapsed % 1_000_000_000n) };
    const record = { timestamp, source, event, properties: properties ?? null };
    try {
      writeSync(handle, `${JSON.stringify(record, null, 2)}\n\n`);
    } catch {
      // A full pipe loses events, as in the real program.
    }
  };
};
