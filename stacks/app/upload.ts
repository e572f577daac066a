/** A release's files on a machine: a folder with its name is whole. */
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { releaseFolder } from "./units.ts";

const UPLOAD_TIMEOUT_MS = 600_000;

/** `file` is a tar on this computer; `config` the text of a `config.json` that is written over the one in it. */
export const upload = async (shell: Shell, name: string, folder: string, file: string, config?: string): Promise<void> => {
  const base = releaseFolder(name);
  const target = `${base}/${folder}`;
  const fresh = `${target}.new`;
  const there = await shell.run(sh`test -d ${target}`);
  if (there.ok) return;
  const told = config === undefined ? sh`:` : sh`printf %s ${config} >${`${fresh}/config.json`}`;
  await must(
    shell,
    `uploading release ${folder} of ${name}`,
    sh`set -e; mkdir -p ${base}; rm -rf ${fresh}; mkdir ${fresh}; tar -x -m -f - -C ${fresh} --no-same-owner --no-same-permissions; ${told}; chmod -R u=rwX,go=rX ${fresh}; sync -f ${fresh}; mv -T ${fresh} ${target}`,
    { inputFile: file, timeoutMs: UPLOAD_TIMEOUT_MS },
  );
};
