/** Runs an app's transaction: started by croft with rights to read two folders and nothing else, an empty environment, a task on standard input. */
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { FUNCTIONS } from "./contract.ts";
import type { Answer, StepResult, Task } from "./contract.ts";
import { makeFetcher } from "./fetcher.ts";

const RESULT_DESCRIPTOR = 3;

const isResult = (value: unknown): value is StepResult => {
  const { step, ok, detail, durationMs } = (value ?? {}) as Record<string, unknown>;
  return typeof step === "string" && typeof ok === "boolean" && typeof detail === "string" && typeof durationMs === "number";
};

const answerOf = async (task: Task): Promise<Answer> => {
  const name = FUNCTIONS[task.mode];
  const run = ((await import(task.module)) as Record<string, unknown>)[name];
  if (typeof run !== "function") return { kind: "nothing" };
  const { origins, username, password } = task;
  const account = task.mode === "run" ? { username, password } : task.mode === "describe" ? { username } : {};
  const found: unknown = await run({ ...origins, ...account, ...(task.mode === "describe" ? {} : { fetcher: makeFetcher(task) }) });
  if (!Array.isArray(found)) return { kind: "error", message: `${name} gave no list` };
  if (task.mode === "describe") return { kind: "calls", calls: found };
  const wrong = found.find((one) => !isResult(one));
  if (found.length === 0 || wrong !== undefined)
    return { kind: "error", message: `${name} gave no list of { step, ok, detail, durationMs }` };
  return { kind: "results", results: found as readonly StepResult[] };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const task = JSON.parse(await text(process.stdin)) as Task;
const answer = await answerOf(task).catch((error: unknown): Answer => ({ kind: "error", message: messageOf(error) }));
const bytes = Buffer.from(JSON.stringify(answer));
for (let at = 0; at < bytes.length;) at += writeSync(RESULT_DESCRIPTOR, bytes, at);
// What the module left running does not keep the child.
process.exit(0);
