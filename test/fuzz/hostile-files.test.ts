/** Files made to be slow: each is read or refused with a place, in 256 MiB and bounded time. The times are printed, not judged. */
import { afterAll, expect, test } from "vitest";
import { makeChild } from "./child.ts";
import { hostileFiles } from "./hostile-files.ts";
import type { ParseAnswer, ParseJob } from "./parse-child.ts";

/** Ten times what any of them takes alone: for machines that do other work beside. */
const LIMITS = { memoryMiB: 256, milliseconds: 20_000 };
const child = makeChild<ParseJob, ParseAnswer>(new URL("./parse-child.ts", import.meta.url), LIMITS);
const times: { readonly name: string; readonly ms: number }[] = [];

afterAll(async () => {
  await child.end();
  const slowest = times.toSorted((a, b) => b.ms - a.ms).slice(0, 5);
  console.log(`slowest of ${times.length}: ${slowest.map(({ name, ms }) => `${name} ${Math.round(ms)} ms`).join(", ")}`);
});

/** The largest that is read at all, and what is just below the limits of lines and words. */
const SIZES = [1_048_576, 256 * 1024] as const;
const CASES = SIZES.flatMap((size) =>
  Object.entries(hostileFiles(size)).flatMap(([name, make]) =>
    (size > 300_000 ? ["croft.yaml"] : ["croft.yaml", "croft.json"]).map((file) => ({ name, kib: size / 1024, file, make })),
  ),
);

test.each(CASES)("$name of $kib KiB as $file", async ({ name, kib, file, make }) => {
  const { answer, ms } = await child.ask({ file, text: make() });
  times.push({ name: `${name} of ${kib} KiB as ${file}`, ms });
  if (answer.ok) return;
  expect(answer.shown).toMatch(/^ {2}--> croft\.(?:yaml|json):\d+:\d+$/m);
  expect(answer.shown.length).toBeLessThan(50_000);
  expect(answer.shown).not.toMatch(/^\s+at \S+.*:\d+:\d+\)?$/m);
});
