/** Archives with nothing of the time or the user in them: the one door of tar-stream. */
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

export type TarEntry = { readonly name: string; readonly content: string | Uint8Array; readonly mode: number };

const FIXED_DATE = new Date(0);

/** The same bytes for the same entries. */
export const packTar = async (entries: readonly TarEntry[]): Promise<Buffer> => {
  const archive = pack();
  for (const { name, content, mode } of entries) {
    archive.entry({ name, mode, mtime: FIXED_DATE, uid: 0, gid: 0 }, Buffer.from(content as string));
  }
  archive.finalize();
  return buffer(archive);
};
