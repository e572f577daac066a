/** Disk images into few bytes and back; blocks of zeros take no room on disk. */
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { CroftError } from "../../errors.ts";

const BLOCK = 64 * 1024;
const ZEROS = Buffer.alloc(BLOCK);
const LEVEL = 3;

export const compressFile = (from: string, to: string): Promise<void> =>
  pipeline(
    createReadStream(from, { highWaterMark: 16 * BLOCK }),
    createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } }),
    createWriteStream(to, { mode: 0o600 }),
  );

const isZero = (block: Buffer): boolean => block.equals(block.length === BLOCK ? ZEROS : ZEROS.subarray(0, block.length));

const writeSparse = async (handle: FileHandle, chunk: Buffer, position: number): Promise<void> => {
  for (let offset = 0; offset < chunk.length; offset += BLOCK) {
    const block = chunk.subarray(offset, offset + BLOCK);
    if (!isZero(block)) await handle.write(block, 0, block.length, position + offset);
  }
};

/** @throws CroftError ARTIFACT where it does not unpack to exactly `rawBytes`. */
export const expandFile = async (from: string, to: string, rawBytes: number): Promise<void> => {
  const wrong = (cause?: unknown): CroftError =>
    new CroftError("ARTIFACT", `a disk image does not unpack to ${rawBytes} bytes`, cause === undefined ? {} : { cause });
  await using handle = await open(to, "w", 0o600);
  await pipeline(createReadStream(from), createZstdDecompress(), async (source: AsyncIterable<Buffer>) => {
    let position = 0;
    for await (const chunk of source) {
      if (position + chunk.length > rawBytes) throw wrong();
      await writeSparse(handle, chunk, position);
      position += chunk.length;
    }
    if (position !== rawBytes) throw wrong();
    await handle.truncate(rawBytes);
    await handle.sync();
  }).catch((cause: unknown) => {
    throw cause instanceof CroftError || (cause as { code?: string }).code === "ENOSPC" ? cause : wrong(cause);
  });
};
