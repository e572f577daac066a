/** Instances of one workload on its machine: an environment file each, and what systemd says of it. */
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { releaseFolder, unitInstance } from "./units.ts";

export type Instance = {
  readonly instance: string;
  /** Up now. */
  readonly active: boolean;
  /** Up, coming up, or about to be tried again. */
  readonly running: boolean;
  readonly enabled: boolean;
  /** The port in its environment; 0 where there is none. */
  readonly port: number;
};

const parseLine = (line: string): Instance => {
  const [instance = "", state = "", enabled = "", port = ""] = line.split(" ");
  return {
    instance,
    active: state === "active",
    running: !["inactive", "failed"].includes(state),
    enabled: enabled === "enabled",
    port: Number(port),
  };
};

export const listInstances = async (shell: Shell, name: string): Promise<readonly Instance[]> => {
  const text = await must(
    shell,
    `looking at releases of ${name}`,
    sh`cd ${releaseFolder(name)} 2>/dev/null || exit 0; for file in *.env; do [ -e "$file" ] || continue; instance=$(basename "$file" .env); unit=${name}@$instance.service; active=$(systemctl is-active "$unit"); enabled=$(systemctl is-enabled "$unit" 2>/dev/null); [ -n "$enabled" ] || enabled=disabled; port=$(sed -n 's/^PORT="\([0-9]*\)"$/\1/p' "$file"); echo "$instance $active $enabled $port"; done`,
  );
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
};

/** Stops it for good and leaves nothing behind. */
export const withdraw = (shell: Shell, name: string, instance: string): Promise<unknown> => {
  const unit = unitInstance(name, instance);
  const base = releaseFolder(name);
  return shell.run(
    sh`systemctl disable --quiet --now ${unit}; systemctl reset-failed ${unit} 2>/dev/null; rm -rf ${`${base}/${instance}`} ${`${base}/${instance}.env`}`,
  );
};
