/** A machine in a temporary folder: real shell commands, with a systemd, a journal and a curl that play along. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onMachine } from "../../../provisioner/model/names.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import type { Command } from "../../../provisioner/transport/sh.ts";
import type { Shell } from "../../../provisioner/transport/shell.ts";

/**
 * A unit's release decides by a file `behaviour`: `refuses` (does not start), `crashes` (fails soon),
 * `sick` (answers 500). A port belongs to the first that takes it; the second waits in `activating`.
 */
const SYSTEMCTL = `#!/bin/sh
state=STATE; releases=RELEASES
echo "$*" >> "$state/calls"
words=; verb=
for word in "$@"; do case $word in --now) now=yes;; -*) ;; *) if [ -z "$verb" ]; then verb=$word; else words="$words $word"; fi;; esac; done
up() {
  name=\${1%@*}; instance=\${1#*@}; instance=\${instance%.service}
  behaviour=$(cat "$releases/$name/$instance/behaviour" 2>/dev/null)
  port=$(sed -n 's/^PORT="\\([0-9]*\\)"$/\\1/p' "$releases/$name/$instance.env")
  [ -d "$releases/$name/$instance" ] || { echo "no working directory" >&2; return 1; }
  case $behaviour in refuses) echo "Job for $1 failed." >&2; echo failed > "$state/units/$1"; return 1;; crashes) echo failed > "$state/units/$1"; return 0;; esac
  if [ -e "$state/ports/$port" ] && [ "$(cat "$state/ports/$port")" != "$1" ]; then echo activating > "$state/units/$1"; return 0; fi
  echo "$1" > "$state/ports/$port"; echo active > "$state/units/$1"
}
down() { echo inactive > "$state/units/$1"; for file in "$state"/ports/*; do [ -e "$file" ] && [ "$(cat "$file")" = "$1" ] && rm "$file"; done; return 0; }
for unit in $words; do
  case $verb in
    is-active) answer=$(cat "$state/units/$unit" 2>/dev/null || echo inactive); case "$*" in *--quiet*) ;; *) echo "$answer";; esac; [ "$answer" = active ] || exit 3;;
    is-failed) [ "$(cat "$state/units/$unit" 2>/dev/null)" = failed ] || exit 1;;
    is-enabled) if [ -e "$state/enabled/$unit" ]; then echo enabled; else echo disabled; exit 1; fi;;
    enable) : > "$state/enabled/$unit";;
    disable) rm -f "$state/enabled/$unit"; [ -z "$now" ] || down "$unit";;
    reset-failed) [ -e "$state/units/$unit" ] || exit 1; [ "$(cat "$state/units/$unit")" != failed ] || echo inactive > "$state/units/$unit";;
    start) [ "$(cat "$state/units/$unit" 2>/dev/null)" = active ] || up "$unit" || exit 1;;
    restart) down "$unit"; up "$unit" || exit 1;;
    stop) down "$unit";;
    *) echo "unscripted: systemctl $*" >&2; exit 64;;
  esac
done
`;

const CURL = `#!/bin/sh
state=STATE; releases=RELEASES
for word in "$@"; do case $word in http://127.0.0.1:*) url=$word;; esac; done
port=\${url#http://127.0.0.1:}; port=\${port%%/*}
unit=$(cat "$state/ports/$port" 2>/dev/null) || { echo "curl: (7) Connection refused" >&2; exit 7; }
name=\${unit%@*}; instance=\${unit#*@}; instance=\${instance%.service}
if [ "$(cat "$releases/$name/$instance/behaviour" 2>/dev/null)" = sick ]; then echo "database is away"; exit 22; fi
echo "ready: $unit"
`;

const JOURNALCTL = `#!/bin/sh
echo "last words of \${*##*--unit=}"
`;

export type FakeMachine = {
  readonly shell: Shell;
  /** Where the machine's releases lie. */
  readonly releases: string;
  /** Units that are up. */
  readonly active: () => readonly string[];
  readonly enabled: () => readonly string[];
  /** What answers on a port. */
  readonly portOf: (port: number) => string | undefined;
  readonly calls: () => readonly string[];
  readonly destroy: () => void;
};

export const makeFakeMachine = (): FakeMachine => {
  const folder = mkdtempSync(join(tmpdir(), "croft-machine-"));
  const [programs, state, releases] = ["bin", "state", "releases"].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [programs, join(state, "units"), join(state, "enabled"), join(state, "ports"), releases])
    mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries({ systemctl: SYSTEMCTL, curl: CURL, journalctl: JOURNALCTL })) {
    writeFileSync(join(programs, name), text.replaceAll("STATE", state).replaceAll("RELEASES", releases));
    chmodSync(join(programs, name), 0o755);
  }
  writeFileSync(join(state, "calls"), "");
  const local = makeLocalShell();
  const translate = (command: Command): Command => ({
    ...command,
    text: `PATH=${programs}:$PATH; export PATH; ${command.text.replaceAll(onMachine.releases, releases)}`,
  });
  return {
    shell: { ...local, label: "machine app", run: (command, options) => local.run(translate(command), options) },
    releases,
    active: () =>
      readdirSync(join(state, "units"))
        .filter((unit) => readFileSync(join(state, "units", unit), "utf8").trim() === "active")
        .toSorted(),
    enabled: () => readdirSync(join(state, "enabled")).toSorted(),
    portOf: (port) => {
      const file = join(state, "ports", String(port));
      return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
    },
    calls: () => readFileSync(join(state, "calls"), "utf8").trim().split("\n"),
    destroy: () => rmSync(folder, { recursive: true, force: true }),
  };
};
