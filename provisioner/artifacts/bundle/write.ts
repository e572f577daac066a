/** Writes a bundle: a tar that begins with its manifest. The file has its name only once it is whole. */
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { writeTar } from "../../transport/tar.ts";
import { sha256Of } from "../digest.ts";
import { fullError, systemCode } from "../failures.ts";
import type { Note } from "../sources/cache.ts";
import { COMPRESSED, MANIFEST } from "./manifest.ts";
import type { BundleEntry, Manifest } from "./manifest.ts";
import { compressFile } from "./sparse.ts";

/** A file that goes into a bundle; a path that ends in `.zst` is compressed on the way. */
export type Packed = { readonly path: string; readonly file: string; readonly note?: Note };

type Ready = { readonly entry: BundleEntry; readonly file: string };

const prepare = async ({ path, file, note }: Packed, work: string, index: number): Promise<Ready> => {
  const compress = path.endsWith(COMPRESSED);
  const source = compress ? join(work, String(index)) : file;
  if (compress) await compressFile(file, source);
  const entry: BundleEntry = {
    path,
    sha256: await sha256Of(source),
    bytes: (await stat(source)).size,
    ...(compress ? { rawBytes: (await stat(file)).size } : {}),
    ...(note === undefined ? {} : { note }),
  };
  return { entry, file: source };
};

export type BundleHead = Pick<Manifest, "site" | "environment" | "architecture">;

/** `work` is an empty folder for what is compressed. Answers with the manifest as written. */
export const writeBundle = async (target: string, head: BundleHead, files: readonly Packed[], work: string): Promise<Manifest> => {
  const temporary = `${target}.${process.pid}.new`;
  try {
    const ready: Ready[] = [];
    for (const [index, file] of files.entries()) ready.push(await prepare(file, work, index));
    const manifest: Manifest = { format: "croft-bundle", version: 1, ...head, entries: ready.map(({ entry }) => entry) };
    const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    await writeTar(createWriteStream(temporary, { mode: 0o600, flush: true }), [
      { name: MANIFEST, sizeBytes: text.length, open: () => Readable.from([text]) },
      ...ready.map(({ entry, file }) => ({ name: entry.path, sizeBytes: entry.bytes, open: () => createReadStream(file) })),
    ]);
    await rename(temporary, target);
    return manifest;
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemCode(error) === "ENOSPC" ? fullError(target, error) : error;
  }
};
