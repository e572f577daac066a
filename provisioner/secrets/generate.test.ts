import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { PASSWORD_LENGTH, generatePassword } from "./generate.ts";

test("letters and digits only, of the asked length", () => {
  expect(generatePassword(randomBytes).reveal()).toMatch(/^[A-Za-z0-9]{32}$/);
  expect(PASSWORD_LENGTH).toBe(32);
  expect(generatePassword(randomBytes, 7).reveal()).toHaveLength(7);
});

test("bytes that would favour some letters are thrown away", () => {
  const rounds = [Uint8Array.of(255, 248, 0), Uint8Array.of(61, 62, 255)];
  expect(generatePassword(() => rounds.shift() ?? Uint8Array.of(1, 1, 1), 3).reveal()).toBe("A9A");
});

test("each letter is about as frequent as the others", () => {
  const text = generatePassword(randomBytes, 62_000).reveal();
  const counts = [...new Set(text)].map((letter) => text.split(letter).length - 1);
  expect(counts).toHaveLength(62);
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1200);
});
