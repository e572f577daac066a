/** Single files out of an image's file system, as a tar that keeps their modes and owners; the image is not mounted. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CroftError } from "../errors.ts";
import { sh } from "../transport/sh.ts";
import type { Command } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";

/** debugfs takes its arguments in quotes and knows no escapes. */
const PLAIN = /^\/[A-Za-z0-9@%_+=:,./~-]+$/;

const plain = (path: string): string => {
  if (PLAIN.test(path) && !path.split("/").includes("..")) return path;
  throw new CroftError("BUG", `a package's file cannot be restored: ${JSON.stringify(path)}`);
};

/** debugfs sets the owner after the mode, which takes set-id bits away: the mode is set again. */
const extract = (rootFile: string, path: string, target: string): Command =>
  sh`mkdir -p ${dirname(target)} && debugfs -R ${`dump -p "${path}" "${target}"`} ${rootFile} && test -e ${target} && chmod $(debugfs -R ${`stat "${path}"`} ${rootFile} 2>/dev/null | sed -n ${"s/.*Mode: *\\([0-7]*\\).*/\\1/p"}) ${target}`;

/** @throws CroftError COMMAND_FAILED where the image has no such file */
export const packFromImage = async (shell: Shell, rootFile: string, paths: readonly string[]): Promise<Buffer> => {
  const work = await mkdtemp(join(tmpdir(), "croft-restore-"));
  const [tree, archive] = [join(work, "tree"), join(work, "files.tar")];
  try {
    for (const path of paths.map(plain)) {
      await must(shell, `reading ${path} from the image`, extract(rootFile, path, join(tree, path)));
    }
    const names = paths.map((path) => path.slice(1));
    await must(shell, "packing files of the image", sh`tar -c --numeric-owner -f ${archive} -C ${tree} -- ${names}`);
    return await readFile(archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
