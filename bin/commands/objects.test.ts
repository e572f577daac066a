/** `croft objects copy` before it opens anything. */
import { expect, test } from "vitest";
import type { Io } from "../main.ts";
import { run } from "./objects.ts";

const io = (environment: Readonly<Record<string, string>> = {}): Io => ({
  out: () => {},
  error: () => {},
  color: false,
  interactive: false,
  environment,
  folder: "/nowhere",
});
const FROM = { CROFT_S3_OLD_ENDPOINT: "http://127.0.0.1:1", CROFT_S3_OLD_KEY: "key", CROFT_S3_OLD_SECRET: "secret" };

test.each([
  [[], "which one?"],
  [["move"], "`move` is not understood"],
  [["copy", "s3://old/one"], "from where to where?"],
  [["copy", "s3://old/one", "s3://new/two", "s3://new/three"], "from where to where?"],
  [["copy", "https://old/one", "s3://new/two"], "https://old/one is not s3://PROFILE/BUCKET[/PREFIX]"],
  [["copy", "s3://old/UPPER", "s3://new/two"], "s3://old/UPPER is not s3://PROFILE/BUCKET[/PREFIX]"],
  [["copy", "s3://old/one", "s3://new/two"], "the profile new has no CROFT_S3_NEW_ENDPOINT"],
])("%j: %s", async (words, message) => {
  await expect(run(words, io(FROM))).rejects.toMatchObject({ code: "USAGE", message });
});

test("a secret that is missing is named, none is said", async () => {
  const error: unknown = await run(
    ["copy", "s3://old/one", "s3://new/two"],
    io({ ...FROM, CROFT_S3_NEW_ENDPOINT: "http://x", CROFT_S3_NEW_KEY: "k" }),
  ).catch((caught: unknown) => caught);
  expect(String(error)).toContain("CROFT_S3_NEW_SECRET");
});
