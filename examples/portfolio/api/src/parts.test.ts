import { expect, test } from "vitest";
import { toParts } from "./parts.ts";

const cut = async (...chunks: readonly string[]): Promise<string[]> => {
  const stream = async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  };
  const parts: string[] = [];
  for await (const { bytes, last } of toParts(stream(), 4)) parts.push(bytes.toString() + (last ? "." : ""));
  return parts;
};

test("parts of one size, whatever the chunks, and one last part", async () => {
  expect(await cut()).toEqual(["."]);
  expect(await cut("abc")).toEqual(["abc."]);
  expect(await cut("abcd")).toEqual(["abcd."]);
  expect(await cut("abcde")).toEqual(["abcd", "e."]);
  expect(await cut("ab", "", "cdefghij", "kl")).toEqual(["abcd", "efgh", "ijkl."]);
});
