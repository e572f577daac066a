import { expect, test } from "vitest";
import { sniffPicture } from "./sniff.ts";
import { makePng } from "./testing/pictures.ts";

test("pictures are known by their first bytes", () => {
  const known: Readonly<Record<string, Buffer>> = {
    "image/png": makePng(),
    "image/jpeg": Buffer.from("ffd8ffe000104a464946", "hex"),
    "image/gif": Buffer.from("GIF89a........"),
    "image/webp": Buffer.from("RIFF\x10\0\0\0WEBPVP8 "),
    "image/avif": Buffer.from("\0\0\0\x20ftypavif\0\0\0\0"),
  };
  for (const [type, head] of Object.entries(known)) expect(sniffPicture(head)).toBe(type);
});

test("nothing else is one", () => {
  const others = [
    "",
    "\x89PNG",
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "<!doctype html>",
    "RIFF\x10\0\0\0WAVE",
    "\0\0\0\x20ftypisom",
    "GIF88a",
  ];
  for (const other of others) expect(sniffPicture(Buffer.from(other, "latin1")), other).toBeUndefined();
});
