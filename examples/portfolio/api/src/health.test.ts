import { expect, test, vi } from "vitest";
import type { Query } from "./database.ts";
import { makeHealth } from "./health.ts";

const answering = (newest: string | null) => vi.fn(async () => [{ newest }]) as unknown as Query & ReturnType<typeof vi.fn>;

test.each([
  ["0006_upload_intent", 200],
  ["0006_upload_intent.up.sql", 200],
  ["0007_later", 200],
  ["0005_seed", 503],
  [null, 503],
])("schema %s gives %i", async (newest, status) => {
  const health = makeHealth({ query: answering(newest) }, "0006_upload_intent", () => 0);
  expect((await health.getReply()).status).toBe(status);
});

test("one look serves two seconds and everybody who asks meanwhile", async () => {
  const query = answering("0006_upload_intent");
  let now = 0;
  const health = makeHealth({ query }, "0006_upload_intent", () => now);
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
  const health = makeHealth({ query: () => new Promise(() => undefined) }, "0006_upload_intent", () => 0);
  const reply = health.getReply();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await reply).toEqual({ status: 503, body: { status: "unavailable", checks: { database: "unavailable", schema: "unknown" } } });
  vi.useRealTimers();
});

test("draining is told without a look", async () => {
  const query = answering("0006_upload_intent");
  const health = makeHealth({ query }, "0006_upload_intent", () => 0);
  health.drain();
  expect(await health.getReply()).toEqual({ status: 503, body: { status: "draining" } });
  expect(query).not.toHaveBeenCalled();
});

test("why something is away is reported, not answered", async () => {
  const reported: unknown[] = [];
  const gone = new Error("certificate of storage not believed");
  const query = answering("0006_upload_intent");
  const report = (...words: readonly unknown[]): unknown => reported.push(words);
  const health = makeHealth({ query, probe: () => Promise.reject(gone), report }, "0006_upload_intent", () => 0);
  const checks = { database: "ok", schema: "0006_upload_intent", storage: "unavailable" };
  expect(await health.getReply()).toEqual({ status: 503, body: { status: "unavailable", checks } });
  expect(reported).toEqual([["storage", gone]]);
});
