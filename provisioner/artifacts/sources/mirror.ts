/** A folder or an address that keeps files by their digest: `sha256/DIGEST`. Everything with a pin can come from it. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { digestPath } from "../../model/names.ts";
import { download } from "../download.ts";
import { fullError, systemCode } from "../failures.ts";
import type { SourceTools } from "./source.ts";

const isAddress = (mirror: string): boolean => /^https?:\/\//.test(mirror);

const fromFolder = async (mirror: string, sha256: string, target: string): Promise<string> => {
  const file = join(mirror, digestPath(sha256));
  await copyFile(file, target).catch((cause: unknown) => {
    if (systemCode(cause) === "ENOSPC") throw fullError(target, cause);
    const missing = systemCode(cause) === "ENOENT";
    throw new CroftError("ARTIFACT", missing ? `the mirror has no ${file}` : `${file} cannot be read`, { cause });
  });
  return target;
};

export const fetchMirror = async ({ work, partial, report }: SourceTools, mirror: string, sha256: string): Promise<string> => {
  if (!isAddress(mirror)) return fromFolder(mirror, sha256, join(work, "file"));
  const file = await partial(sha256);
  await download({ url: `${mirror.replace(/\/+$/, "")}/${digestPath(sha256)}`, sha256, file, report });
  return file;
};
