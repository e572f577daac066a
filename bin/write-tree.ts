/** Writes texts below a folder that is new or empty. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CroftError } from "../provisioner/errors.ts";

/** @throws CroftError USAGE where something is in the folder: nothing is overwritten or mixed. */
export const writeTree = async (folder: string, files: readonly { readonly path: string; readonly text: string }[]): Promise<void> => {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new CroftError("USAGE", `${folder} cannot be used: ${error.message}`);
  });
  if (found.length > 0) throw new CroftError("USAGE", `${folder} is not empty`, { hint: "name a new folder" });
  for (const { path, text } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: "wx" });
  }
};
