/** `croft vm …`: the machines of a site, one at a time. */
import { readFile } from "node:fs/promises";
import { CroftError, EXIT } from "../../provisioner/errors.ts";
import { consoleTail } from "../../provisioner/hypervisor/host-keys.ts";
import { formatBytes } from "../../provisioner/plan/print.ts";
import { openTerminal } from "../../provisioner/transport/ssh.ts";
import { loadSite } from "../load.ts";
import type { Loaded } from "../load.ts";
import type { Io } from "../main.ts";
import { jsonOption, parseCount, parseWords, siteOptions } from "../options.ts";
import type { Options } from "../options.ts";
import { addDisk, resize } from "./vm/grow.ts";
import { knownMachine, pathsOf, stateOf } from "./vm/machine.ts";
import { POWER_ACTIONS, changePower } from "./vm/power.ts";

export const options = {
  ...siteOptions,
  ...jsonOption,
  lines: { type: "string", value: "COUNT", summary: "log: how many of the last lines; 60 by default" },
  wait: { type: "string", value: "SECONDS", summary: "wait that long for another run's lock" },
  cpus: { type: "string", value: "COUNT", summary: "resize: what croft.yaml says, to be sure" },
  memory: { type: "string", value: "SIZE", summary: "resize: what croft.yaml says, to be sure" },
  disk: { type: "string", value: "DISK", summary: "add-disk: a disk of the machine that croft.yaml names" },
} as const satisfies Options;
export const example = "croft vm ssh web --file examples/hello -- uptime";

const HINT = "croft vm list | ssh | log | start | stop | pause | resume | resize | add-disk NAME";

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

const log = async (loaded: Loaded, io: Io, name: string, lines: number): Promise<number> => {
  const text = await readFile(pathsOf(loaded, name).log, "utf8").catch(() => "");
  io.out(text === "" ? `the console of ${name} is empty` : consoleTail(text, lines));
  return EXIT.ok;
};

const ssh = async (loaded: Loaded, name: string, command: readonly string[]): Promise<number> => {
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    const state = await stateOf(loaded, name);
    if (state === "paused") throw new CroftError("USAGE", `machine ${name} is paused`, { hint: `croft vm resume ${name}` });
    return await openTerminal(await world.connections.target(name), command);
  } finally {
    await world.close();
  }
};

const ACTIONS = ["list", "ssh", "log", "resize", "add-disk", ...POWER_ACTIONS] as const;
type Action = (typeof ACTIONS)[number];

const isKnown = (verb: string | undefined): verb is Action => ACTIONS.some((action) => action === verb);

export const run = async (words: readonly string[], io: Io): Promise<number> => {
  const cut = words.indexOf("--");
  const command = cut < 0 ? [] : words.slice(cut + 1);
  const { values, positionals } = parseWords(cut < 0 ? words : words.slice(0, cut), options);
  const [verb, name, extra] = positionals;
  if (!isKnown(verb))
    throw new CroftError("USAGE", verb === undefined ? "`vm` takes a command" : `unknown command \`vm ${verb}\``, { hint: HINT });
  if (extra !== undefined) throw new CroftError("USAGE", `\`vm ${verb}\` takes one name, \`${extra}\` is too much`, { hint: HINT });
  const waitMs = parseCount("wait", values.wait, 0) * 1000;
  const lines = parseCount("lines", values.lines, 60);
  // All of a site's machines: the word is the site, as of every verb without a name.
  const site = values.file ?? (verb === "list" ? name : undefined) ?? ".";
  const loaded = await loadSite({ site, environment: values.env, io, build: false });
  const json = values.json === true;
  if (verb === "list") return list(loaded, io, json);
  const machine = knownMachine(loaded, name);
  if (verb === "log") return log(loaded, io, machine, lines);
  if (verb === "ssh") return ssh(loaded, machine, command);
  if (verb === "resize") return resize(loaded, io, { json, waitMs }, machine, { cpus: values.cpus, memory: values.memory });
  if (verb === "add-disk") return addDisk(loaded, io, { json, waitMs }, machine, values.disk);
  return changePower(loaded, io, { json, waitMs }, verb, machine);
};
