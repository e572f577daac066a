/** Archives with nothing of the time or the user in them: the one door of tar-stream, which is loaded for the first one. */
import { buffer } from "node:stream/consumers";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

export type TarEntry = { readonly name: string; readonly content: string | Uint8Array; readonly mode: number };

const tar = () => import("tar-stream");

const FIXED_DATE = new Date(0);

/** The same bytes for the same entries. */
export const packTar = async (entries: readonly TarEntry[]): Promise<Buffer> => {
  const archive = (await tar()).pack();
  for (const { name, content, mode } of entries) {
    archive.entry({ name, mode, mtime: FIXED_DATE, uid: 0, gid: 0 }, Buffer.from(content as string));
  }
  archive.finalize();
  return buffer(archive);
};

export type TarFile = { readonly name: string; readonly sizeBytes: number; readonly open: () => Readable };

/** Writes files one after the other; none is held in memory. */
export const writeTar = async (target: Writable, files: Iterable<TarFile>): Promise<void> => {
  const archive = (await tar()).pack();
  const written = pipeline(archive, target);
  const fill = async (): Promise<void> => {
    for (const { name, sizeBytes, open } of files)
      await pipeline(open(), archive.entry({ name, size: sizeBytes, mode: 0o600, mtime: FIXED_DATE, uid: 0, gid: 0 }));
    archive.finalize();
  };
  await Promise.all([written, fill().catch((error: unknown) => archive.destroy(error as Error))]);
};

export type ReadEntry = { readonly name: string; readonly type: string; readonly sizeBytes: number; readonly body: AsyncIterable<Buffer> };

/** Calls `onEntry` for each entry in order; an archive that ends early is an error. */
export const readTar = async (source: Readable, onEntry: (entry: ReadEntry) => Promise<void>): Promise<void> => {
  const parser = (await tar()).extract();
  const fed = pipeline(source, parser);
  const take = async (): Promise<void> => {
    for await (const entry of parser) {
      const { name, type, size } = entry.header;
      await onEntry({ name, type: type ?? "file", sizeBytes: size ?? 0, body: entry as AsyncIterable<Buffer> });
      entry.resume();
    }
  };
  let refused: unknown;
  const taken = take().catch((error: unknown) => {
    refused = error;
    source.destroy();
  });
  // A refused entry ends the reading, whose own error then only says that it was ended.
  await Promise.all([fed, taken]).catch((error: unknown) => {
    throw refused ?? error;
  });
  if (refused !== undefined) throw refused;
};
