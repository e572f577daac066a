/** `croft vm list | ssh NAME | log NAME`: the machines of a site, one at a time. */
import { readFile } from "node:fs/promises";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { consoleTail } from "../../provisioner/hypervisor/host-keys.ts";
import { makeLauncher } from "../../provisioner/hypervisor/launcher.ts";
import { findProcess } from "../../provisioner/hypervisor/process.ts";
import { machinePaths } from "../../provisioner/model/names.ts";
import { formatBytes } from "../../provisioner/plan/print.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { openTerminal } from "../../provisioner/transport/ssh.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { parseCount, parseWords } from "../options.ts";
import { siteNameOf } from "../site.ts";

const OPTIONS = {
  env: { type: "string" },
  file: { type: "string", short: "f" },
  json: { type: "boolean" },
  lines: { type: "string" },
} as const;

const pathsOf = (loaded: Loaded, machine: string) => machinePaths(siteNameOf(loaded.model), machine, loaded.roots);

const stateOf = async (loaded: Loaded, machine: string): Promise<string> => {
  const paths = pathsOf(loaded, machine);
  if ((await findProcess(paths.pid)) === undefined) return "stopped";
  const info = await makeLauncher({ shell: makeLocalShell(), siteKey: "" }).info(paths);
  return info === undefined ? "unresponsive" : info.toLowerCase();
};

const list = async (loaded: Loaded, io: Io, json: boolean): Promise<number> => {
  const rows = await Promise.all(
    loaded.model.machines.map(async (machine) => ({
      name: machine.name,
      host: machine.host,
      state: await stateOf(loaded, machine.name),
      address: loaded.desired.addresses.get(machine.name) ?? "",
      cpus: machine.cpus,
      memoryBytes: machine.memoryBytes,
    })),
  );
  if (json) io.out(JSON.stringify(rows));
  else {
    io.out(`${"NAME".padEnd(16)}${"STATE".padEnd(14)}${"ADDRESS".padEnd(16)}${"CPUS".padEnd(6)}MEMORY`);
    rows.forEach((row) =>
      io.out(
        `${row.name.padEnd(16)}${row.state.padEnd(14)}${row.address.padEnd(16)}${String(row.cpus).padEnd(6)}${formatBytes(row.memoryBytes)}`,
      ),
    );
  }
  return EXIT.ok;
};

const knownMachine = (loaded: Loaded, name: string | undefined): string => {
  const names = loaded.model.machines.map((machine) => machine.name);
  if (name !== undefined && names.includes(name)) return name;
  throw new CroftError("USAGE", name === undefined ? "which machine?" : `no machine is called \`${name}\``, {
    hint: `machines here: ${names.join(", ")}`,
  });
};

const log = async (loaded: Loaded, io: Io, name: string, lines: number): Promise<number> => {
  const text = await readFile(pathsOf(loaded, name).log, "utf8").catch(() => "");
  io.out(text === "" ? `the console of ${name} is empty` : consoleTail(text, lines));
  return EXIT.ok;
};

const ssh = async (loaded: Loaded, name: string, command: readonly string[]): Promise<number> => {
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    return await openTerminal(await world.connections.target(name), command);
  } finally {
    await world.close();
  }
};

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const cut = words.indexOf("--");
  const command = cut < 0 ? [] : words.slice(cut + 1);
  const { values, positionals } = parseWords(cut < 0 ? words : words.slice(0, cut), OPTIONS);
  const [verb, name] = positionals;
  if (verb !== "list" && verb !== "log" && verb !== "ssh")
    throw new CroftError("USAGE", verb === undefined ? "`vm` takes a command" : `unknown command \`vm ${verb}\``, {
      hint: "croft vm list | ssh NAME | log NAME",
    });
  const lines = parseCount("lines", values.lines, 60);
  const loaded = await loadSite({ site: values.file ?? ".", environment: values.env, io, build: false });
  if (verb === "list") return list(loaded, io, values.json === true);
  const machine = knownMachine(loaded, name);
  return verb === "log" ? log(loaded, io, machine, lines) : ssh(loaded, machine, command);
};
