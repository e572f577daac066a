/** What a guest's program says before it ends. */
import type { Readable } from "node:stream";

/** Passes everything on to this program's own errors; the result gives the last three lines. */
export const keepTail = (stream: Readable): (() => string) => {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    process.stderr.write(chunk);
    text = (text + chunk.toString("utf8")).slice(-4096);
  });
  return () => text.trim().split("\n").slice(-3).join("; ");
};
