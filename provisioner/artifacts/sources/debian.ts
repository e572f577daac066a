/** One file of a Debian package, by this host's apt: its sources, its keys, its mirrors. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../errors.ts";
import { sh } from "../../transport/sh.ts";
import { must } from "../../transport/shell.ts";
import type { DebianSource } from "../catalogue.ts";
import type { FetchSource } from "./source.ts";

export const fetchDebian: FetchSource<DebianSource> = async ({ shell, work, architecture, report }, source) => {
  const spec = `${source.package}:${architecture}=${source.version}`;
  report(`apt-get download ${spec}`);
  const result = await shell.run(sh`cd ${work} && apt-get -qq -o APT::Sandbox::User=root download ${spec}`, { timeoutMs: 600_000 });
  if (!result.ok) {
    throw new CroftError("ARTIFACT", `apt has no ${spec}`, {
      tail: result.stderr.trimEnd().split("\n").slice(-8).join("\n"),
      hint: "apt-get update; the version may have left the archive",
    });
  }
  const file = (await readdir(work)).find((name) => name.endsWith(".deb"));
  if (file === undefined) throw new CroftError("ARTIFACT", `apt gave no file for ${spec}`);
  await must(shell, `unpacking ${spec}`, sh`mkdir ${join(work, "tree")} && dpkg-deb --extract ${join(work, file)} ${join(work, "tree")}`);
  return join(work, "tree", source.member);
};
