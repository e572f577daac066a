/** Digests of files. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

export const hashFile = async (file: string, algorithm: "sha256" | "sha512" = "sha256"): Promise<Buffer> => {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest();
};

export const sha256Of = async (file: string): Promise<string> => (await hashFile(file)).toString("hex");
