import { expect, test, vi } from "vitest";
import type { Query } from "./database.ts";
import { makeHealth } from "./health.ts";

const answering = (newest: string | null) => vi.fn(async () => [{ newest }]) as unknown as Query & ReturnType<typeof vi.fn>;

test.each([
  ["0005_seed", 200],
  ["0005_seed.up.sql", 200],
  ["0006_later", 200],
  ["0004_object_trash", 503],
  [null, 503],
])("schema %s gives %i", async (newest, status) => {
  const health = makeHealth(answering(newest), "0005_seed", () => 0);
  expect((await health.getReply()).status).toBe(status);
});

test("one look serves two seconds and everybody who asks meanwhile", async () => {
  const query = answering("0005_seed");
  let now = 0;
  const health = makeHealth(query, "0005_seed", () => now);
  await Promise.all([health.getReply(), health.getReply()]);
  now = 1_999;
  await health.getReply();
  expect(query).toHaveBeenCalledTimes(1);
  now = 2_000;
  await health.getReply();
  expect(query).toHaveBeenCalledTimes(2);
});

test("a silent database counts as away", async () => {
  vi.useFakeTimers();
  const health = makeHealth(
    () => new Promise(() => undefined),
    "0005_seed",
    () => 0,
  );
  const reply = health.getReply();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await reply).toEqual({ status: 503, body: { status: "unavailable", checks: { database: "unavailable", schema: "unknown" } } });
  vi.useRealTimers();
});

test("draining is told without a look", async () => {
  const query = answering("0005_seed");
  const health = makeHealth(query, "0005_seed", () => 0);
  health.drain();
  expect(await health.getReply()).toEqual({ status: 503, body: { status: "draining" } });
  expect(query).not.toHaveBeenCalled();
});
