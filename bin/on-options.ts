/** Options before the verb. Pure. */
import { CroftError } from "../provisioner/errors.ts";

export type GlobalOptions = { readonly on: string; readonly hostKey: string | undefined; readonly identity: string | undefined };

const NAMES = ["--on", "--host-key", "--identity"];
const HINT = "croft --on ssh://root@HOST COMMAND …";

/** @throws CroftError USAGE */
export const splitGlobal = (all: readonly string[]): { readonly options: GlobalOptions; readonly words: readonly string[] } => {
  const found = new Map<string, string>();
  let index = 0;
  for (;;) {
    const [name = "", ...rest] = (all[index] ?? "").split("=");
    if (!NAMES.includes(name)) break;
    const value = rest.length > 0 ? rest.join("=") : all[index + 1];
    if (value === undefined || value === "") throw new CroftError("USAGE", `\`${name}\` needs a value`, { hint: HINT });
    if (found.has(name)) throw new CroftError("USAGE", `\`${name}\` is given twice`, { hint: HINT });
    found.set(name, value);
    index += rest.length > 0 ? 1 : 2;
  }
  const on = found.get("--on");
  if (on === undefined)
    throw new CroftError("USAGE", `\`${[...found.keys()].join("`, `")}\` means something only with --on`, { hint: HINT });
  return { options: { on, hostKey: found.get("--host-key"), identity: found.get("--identity") }, words: all.slice(index) };
};
