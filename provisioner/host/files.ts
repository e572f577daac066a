/** Whole files or none: temporary name, fsync, rename, fsync of the folder. */
import { open, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { doorPoint } from "../execute/faults.ts";

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
};

export const replaceFile = async (path: string, content: string | Uint8Array, mode: number): Promise<void> => {
  await doorPoint("before");
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  const handle = await open(temporary, "w", mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
  await doorPoint("after");
};
