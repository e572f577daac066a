/** One file of an npm package's tarball, by the npm client and its configuration. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { sh } from "../../transport/sh.ts";
import { must } from "../../transport/shell.ts";
import type { NpmSource } from "../catalogue.ts";
import { hashFile } from "../digest.ts";
import { digestError } from "../failures.ts";
import type { FetchSource } from "./source.ts";

export const fetchNpm: FetchSource<NpmSource> = async ({ shell, work, report }, source) => {
  const spec = `${source.package}@${source.version}`;
  report(`npm pack ${spec}`);
  await must(
    shell,
    `fetching ${spec} with npm`,
    sh`cd ${work} && npm pack --silent --fetch-retries=2 --fetch-timeout=60000 ${spec} --pack-destination ${work}`,
    { timeoutMs: 600_000 },
  );
  const tarball = (await readdir(work)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new CroftError("ARTIFACT", `npm gave no file for ${spec}`);
  const got = `sha512-${(await hashFile(join(work, tarball), "sha512")).toString("base64")}`;
  if (got !== source.integrity) throw digestError(spec, source.integrity, got);
  await must(shell, `unpacking ${spec}`, sh`tar -xzf ${join(work, tarball)} -C ${work} ${source.member}`);
  return join(work, source.member);
};
