/** An official release by its address. What has no pinned digest is never downloaded. */
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { sh } from "../../transport/sh.ts";
import { must } from "../../transport/shell.ts";
import type { ReleaseSource } from "../catalogue.ts";
import { download } from "../download.ts";
import type { FetchSource } from "./source.ts";

export const fetchRelease: FetchSource<ReleaseSource> = async ({ shell, work, partial, report }, source) => {
  const { url, sha256, member } = source;
  if (sha256 === undefined) throw new CroftError("ARTIFACT", `no digest is pinned for ${url}, so it is not downloaded`);
  const file = await partial(sha256);
  await download({ url, sha256, file, report });
  if (member === undefined) return file;
  await must(shell, `unpacking ${url}`, sh`tar -xzf ${file} -C ${work} --no-same-owner ${member}`);
  return join(work, member);
};
