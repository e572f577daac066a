/** What a run tells while it goes on; how it looks is for others to decide. */
import type { Step } from "../plan/resource.ts";

export type RunEvent =
  | { readonly type: "step-started"; readonly step: Step }
  | { readonly type: "step-progress"; readonly step: Step; readonly text: string }
  | { readonly type: "step-done"; readonly step: Step; readonly durationMs: number }
  | { readonly type: "step-differs"; readonly step: Step; readonly durationMs: number; readonly reason: string }
  | { readonly type: "step-failed"; readonly step: Step; readonly durationMs: number; readonly error: unknown };

export type Emit = (event: RunEvent) => void;
