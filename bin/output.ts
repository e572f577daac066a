/** How a run looks: a live line per running step on a terminal, plain lines otherwise, JSON lines on request. */
import { errorChain } from "../provisioner/errors.ts";
import { CroftError } from "../provisioner/errors.ts";
import type { Emit, RunEvent } from "../provisioner/execute/events.ts";
import type { Io } from "./main.ts";

export const seconds = (milliseconds: number): string =>
  milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;

const DOING = {
  create: "creating",
  update: "updating",
  replace: "replacing",
  remove: "removing",
  verify: "verifying",
  retain: "keeping",
  forget: "forgetting",
  keep: "keeping",
} as const;
const DONE = {
  create: "created",
  update: "updated",
  replace: "replaced",
  remove: "removed",
  verify: "verified",
  retain: "kept",
  forget: "forgotten",
  keep: "kept",
} as const;

export type Timing = { readonly id: string; readonly durationMs: number };

export type Output = { readonly emit: Emit; readonly timings: () => readonly Timing[]; readonly end: () => void };

const failureLines = (error: unknown): readonly string[] => {
  const [first = "", ...causes] = errorChain(error);
  const tail = error instanceof CroftError ? (error.tail ?? "").split("\n").filter((line) => line !== "") : [];
  const hint = error instanceof CroftError ? error.hint : undefined;
  return [
    first,
    ...causes.map((cause) => `caused by: ${cause}`),
    ...tail.map((line) => `| ${line}`),
    ...(hint === undefined ? [] : [`next: ${hint}`]),
  ];
};

const endLine = (event: Exclude<RunEvent, { type: "step-started" | "step-progress" }>): readonly string[] => {
  const { step, durationMs } = event;
  const took = durationMs < 100 ? "" : `  ${seconds(durationMs)}`;
  if (event.type === "step-done") return [`  ${step.id} ${DONE[step.action]}${took}`];
  if (event.type === "step-differs") return [`  ${step.id} differs: ${event.reason}`];
  const [first = "", ...rest] = failureLines(event.error);
  return [`  ${step.id} FAILED${took}: ${first}`, ...rest.map((line) => `      ${line}`)];
};

const makeJson =
  (io: Io, remember: (event: RunEvent) => void): Emit =>
  (event) => {
    remember(event);
    const { step, ...rest } = event;
    const error = event.type === "step-failed" ? { error: failureLines(event.error) } : {};
    io.out(JSON.stringify({ ...rest, ...error, id: step.id, action: step.action }));
  };

/** Redraws the lines of running steps below what is already said. */
const makeLive = (io: Io, remember: (event: RunEvent) => void): { emit: Emit; end: () => void } => {
  const running = new Map<string, string>();
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) process.stdout.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    const width = process.stdout.columns ?? 100;
    const lines = [...running.values()].map((text) => `  … ${text}`.slice(0, width - 1));
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  const emit: Emit = (event) => {
    remember(event);
    clear();
    if (event.type === "step-started") running.set(event.step.id, `${event.step.id} ${DOING[event.step.action]}`);
    else if (event.type === "step-progress") running.set(event.step.id, `${event.step.id} ${event.text}`);
    else {
      running.delete(event.step.id);
      endLine(event).forEach((line) => io.out(line));
    }
    draw();
  };
  return { emit, end: clear };
};

const makePlain = (io: Io, remember: (event: RunEvent) => void): Emit => {
  const said = new Map<string, string>();
  return (event) => {
    remember(event);
    if (event.type === "step-started") return;
    if (event.type === "step-progress") {
      if (said.get(event.step.id) !== event.text) io.out(`  ${event.step.id}: ${event.text}`);
      said.set(event.step.id, event.text);
      return;
    }
    endLine(event).forEach((line) => io.out(line));
  };
};

export const makeOutput = (io: Io, json: boolean): Output => {
  const timings: Timing[] = [];
  const remember = (event: RunEvent): void => {
    if (event.type === "step-done" || event.type === "step-failed") timings.push({ id: event.step.id, durationMs: event.durationMs });
  };
  if (json) return { emit: makeJson(io, remember), timings: () => timings, end: () => {} };
  if (!io.interactive) return { emit: makePlain(io, remember), timings: () => timings, end: () => {} };
  const live = makeLive(io, remember);
  return { emit: live.emit, timings: () => timings, end: live.end };
};

/** The steps that took longest, on one line. */
export const slowest = (timings: readonly Timing[], count: number): string =>
  timings
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, count)
    .map(({ id, durationMs }) => `${id} ${seconds(durationMs)}`)
    .join(", ");
