/** Puts artifacts into an image's tree: a program as one file, an archive as a folder. */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CroftError } from "../provisioner/errors.ts";
import { hasProgram } from "../provisioner/host/bootstrap.ts";
import { sh } from "../provisioner/transport/sh.ts";
import { must } from "../provisioner/transport/shell.ts";
import type { Shell } from "../provisioner/transport/shell.ts";
import type { ArtifactUse } from "./recipe.ts";

type Place = { readonly shell: Shell; readonly file: string; readonly use: ArtifactUse; readonly target: string };

const installProgram = async ({ shell, file, use, target }: Place): Promise<void> => {
  await must(shell, `installing ${use.name}`, sh`install -D -m 0755 ${file} ${target}`);
};

const unpackTar = async ({ shell, file, use, target }: Place, strip: number): Promise<void> => {
  await must(
    shell,
    `unpacking ${use.name}`,
    sh`mkdir -p ${target} && tar -xzf ${file} -C ${target} --no-same-owner --strip-components=${strip}`,
    { timeoutMs: 600_000 },
  );
};

/** The only folder of a folder, as often as parts are stripped. */
const descend = async (folder: string, strip: number, name: string): Promise<string> => {
  if (strip === 0) return folder;
  const [only, ...others] = await readdir(folder, { withFileTypes: true });
  if (only?.isDirectory() === true && others.length === 0) return descend(join(folder, only.name), strip - 1, name);
  throw new CroftError("ARTIFACT", `the archive of ${name} is not one folder, so its leading folder cannot be left out`);
};

const unpackZip = async ({ shell, file, use, target }: Place, strip: number): Promise<void> => {
  if (!hasProgram("unzip")) {
    throw new CroftError("HOST_UNFIT", `${use.name} comes as a zip, and this host has no unzip`, { hint: "apt-get install unzip" });
  }
  const work = `${target}.unpacked`;
  try {
    await must(shell, `unpacking ${use.name}`, sh`mkdir -p ${work} && unzip -q -o ${file} -d ${work}`, { timeoutMs: 600_000 });
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await rename(await descend(work, strip, use.name), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** @throws CroftError where the archive is not what the catalogue says. */
export const placeArtifact = async (shell: Shell, tree: string, use: ArtifactUse, file: string): Promise<void> => {
  const place: Place = { shell, file, use, target: join(tree, use.target) };
  if (use.unpack === undefined) await installProgram(place);
  else if (use.unpack.type === "zip") await unpackZip(place, use.unpack.strip);
  else await unpackTar(place, use.unpack.strip);
};
