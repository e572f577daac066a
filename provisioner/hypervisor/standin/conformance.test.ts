/**
 * Replays what the real program answered against the stand-in. Compared in full: status, body, events
 * with their properties, life, exit code, socket files left behind. Normalised, and nothing else:
 * `{dir}` and `{kernel}` stand for this run's paths, and the process id is 0 in the recording.
 * The recording leaves out snapshots that its host could not take, but kept their `snapshotting` events:
 * those directly behind `paused` are taken out of what is expected, since no request here causes them.
 * Objects are compared without regard to the order of their keys, as JSON means them.
 */
import { join } from "node:path";
import { expect, test } from "vitest";
import recorded from "../../../test/fixtures/recorded.json" with { type: "json" };
import { makeFolder, startProgram, type RawAnswer } from "./harness.ts";

type Recorded = {
  readonly name: string;
  readonly args: readonly string[];
  readonly answers: readonly {
    readonly request: readonly [string, string, unknown];
    readonly status?: number;
    readonly body?: unknown;
    readonly transport_error?: string;
  }[];
  readonly events: readonly Event[];
  readonly alive_at_end: boolean;
  readonly exit_code: number;
  readonly left_after_sigterm?: readonly string[];
  readonly left_after_exit?: readonly string[];
};

const fill = (value: unknown, folder: string): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll("{dir}", folder).replaceAll("{kernel}", join(folder, "kernel")));

/** Numbers beyond 2^53 round alike in the recording and in the answer. */
const parseBody = (text: string): unknown => {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return { raw: text };
  }
};

const normalise = (body: unknown, name: string): unknown =>
  name === "vmm.ping" && typeof body === "object" && body !== null ? { ...body, pid: 0 } : body;

const comparable = (answer: RawAnswer, name: string): unknown =>
  answer.failure === undefined
    ? { status: answer.status, body: normalise(parseBody(answer.text ?? ""), name) }
    : { failed: answer.failure };

const expected = (answer: Recorded["answers"][number], folder: string): unknown =>
  answer.transport_error === undefined
    ? { status: answer.status, body: fill(answer.body ?? null, folder) }
    : { failed: { FileNotFoundError: "ENOENT" }[answer.transport_error] };

type Event = { readonly source: string; readonly event: string; readonly properties: unknown };

const withoutLostSnapshots = (events: readonly Event[]): readonly Event[] => {
  let afterPause = false;
  return events.filter(({ event }) => {
    afterPause = event === "paused" || (afterPause && event === "snapshotting");
    return !(afterPause && event === "snapshotting");
  });
};

test.each(recorded as unknown as readonly Recorded[])("answers as recorded: $name", async (scenario) => {
  const folder = makeFolder();
  const program = await startProgram(folder, scenario.args);
  try {
    for (const answer of scenario.answers) {
      const [method, name, body] = answer.request;
      const got = comparable(await program.call(method, name, fill(body, folder)), name);
      expect(got, `${method} ${name}`).toEqual(expected(answer, folder));
    }
    if (!scenario.alive_at_end) await program.exit;
    expect(program.isAlive()).toBe(scenario.alive_at_end);
    expect(await program.stop()).toBe(scenario.exit_code);
    const events = program.readEvents().map(({ source, event, properties }) => ({ source, event, properties }));
    expect(events).toEqual(withoutLostSnapshots(scenario.events));
    expect(program.leftFiles()).toEqual(scenario.left_after_sigterm ?? scenario.left_after_exit);
  } finally {
    await program.clean();
  }
});
