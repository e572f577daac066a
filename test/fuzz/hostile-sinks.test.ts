/** Every place where a value becomes somebody else's syntax, given hostile texts directly: it refuses, or the text stays a text. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderMetaData, renderUserData } from "../../cloud-init/render.ts";
import { toPlain } from "../../provisioner/config/tree.ts";
import { parseTree, renderYaml } from "../../provisioner/config/yaml.ts";
import { CroftError } from "../../provisioner/errors.ts";
import { hostsLine } from "../../provisioner/host/names-file.ts";
import { renderNetworkScript, renderRules } from "../../provisioner/host/network.ts";
import { makeVmConfig, renderMachineUnit } from "../../provisioner/hypervisor/machine-config.ts";
import { basePart, renderFirewall } from "../../provisioner/machine/base-part.ts";
import { bridgeName, diskPath, machineHostname, machineId, machinePaths, sitePaths, workloadName } from "../../provisioner/model/names.ts";
import type { NodeWorkload } from "../../provisioner/model/types.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { releaseFolder, renderEnvironment, renderUnit, unitInstance } from "../../stacks/app/units.ts";
import { renderConf, renderHba, renderMount } from "../../stacks/postgres/render.ts";
import { CANARY, hostileWords } from "./hostile-words.ts";

const WORDS = hostileWords(1_000);

/** Undefined where the sink refuses with an error of its own. */
const taken = <T>(make: () => T): T | undefined => {
  try {
    return make();
  } catch (error) {
    if (error instanceof CroftError) return undefined;
    throw error;
  }
};

/** Accepted texts only, with what was made of them. */
const takenOf = <T>(make: (word: string) => T): readonly (readonly [string, T])[] =>
  WORDS.flatMap((word) => {
    const made = taken(() => make(word));
    return made === undefined ? [] : [[word, made] as const];
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "croft-sinks-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runShell = (script: string): string =>
  execFileSync("/bin/sh", ["-eu"], { cwd: folder, input: script, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });

describe("a shell", () => {
  test("gets one word for one value, and runs none of them", () => {
    const commands = takenOf((word) => sh`printf '%s\0' ${word}`.text);
    expect(commands.length).toBeGreaterThan(950);
    const said = runShell(commands.map(([, text]) => text).join("\n"));
    // A lone half of a pair is no character: Node writes it as the one for what is none.
    expect(said.split("\0").slice(0, -1)).toEqual(commands.map(([word]) => word.toWellFormed()));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("gets several words for a list", () => {
    const words = WORDS.filter((word) => !word.includes("\0") && word.length < 1000);
    expect(
      runShell(sh`printf '%s\0' ${words}`.text)
        .split("\0")
        .slice(0, -1),
    ).toEqual(words.map((word) => word.toWellFormed()));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("refuses NUL", () => {
    expect(taken(() => sh`echo ${"a\0b"}`)).toBeUndefined();
  });
});

const workload = (start: string): NodeWorkload => ({
  kind: "node",
  name: "api",
  source: ".",
  output: ".",
  machine: "app",
  start,
  port: 8080,
  memoryBytes: 1 << 28,
  environment: {},
  health: { live: "/", ready: "/" },
  stopSignal: "SIGTERM",
  stopTimeoutSeconds: 30,
});

/** A unit whose one line was changed by a value and by nothing else. */
const sameBut = (text: string, plain: string, word: string, place: string): void => {
  expect(text).toBe(plain.replaceAll(place, () => word));
  expect(word).not.toMatch(/["\\$%\n\r;|<>`{}']/);
};

describe("systemd", () => {
  test("a workload's unit differs in the one word, which holds no specifier, quote or line", () => {
    const plain = renderUnit("shop", workload("PLACE"));
    for (const [word, text] of takenOf((start) => renderUnit("shop", workload(start)))) sameBut(text, plain, word, "PLACE");
    const named = renderUnit("PLACE", workload("a.js"));
    for (const [word, text] of takenOf((app) => renderUnit(app, workload("a.js")))) sameBut(text, named, word, "PLACE");
  });

  test("names of instances and folders stay one word", () => {
    for (const [word, text] of takenOf((name) => unitInstance(name, "r1"))) sameBut(text, "PLACE@r1.service", word, "PLACE");
    for (const [word, text] of takenOf((instance) => unitInstance("a", instance))) sameBut(text, "a@PLACE.service", word, "PLACE");
    for (const [word, text] of takenOf(releaseFolder)) sameBut(text, "/var/lib/croft/releases/PLACE", word, "PLACE");
  });

  test("a machine's and a disk's unit likewise", () => {
    const unit = (text: string) => renderMachineUnit({ description: `croft ${text}`, run: `/run/${text}`, stop: "/s" });
    for (const [word, text] of takenOf(unit)) sameBut(text, unit("PLACE"), word, "PLACE");
    const mount = (text: string) => renderMount({ device: `/dev/${text}` });
    for (const [word, text] of takenOf(mount)) sameBut(text, mount("PLACE"), word, "PLACE");
  });

  const missing = spawnSync("systemd-analyze", ["--version"]).status !== 0;
  test.skipIf(missing)(`systemd-analyze takes what is left${missing ? " (skipped: there is no systemd-analyze)" : ""}`, () => {
    const starts = takenOf((start) => renderUnit("shop", workload(start)));
    expect(starts.length).toBeGreaterThan(10);
    const files = starts.slice(0, 40).map(([, text], index) => {
      const file = join(folder, `w${index}@x.service`);
      // The program of a machine is not here.
      writeFileSync(file, text.replace("/usr/local/bin/node", "/bin/true"));
      return file;
    });
    const result = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], { encoding: "utf8" });
    const about = result.stderr
      .split("\n")
      .filter((line) => /w\d+@x\.service/.test(line) && !/Failed to (?:prepare|initialize)/.test(line));
    expect(about).toEqual([]);
    for (const file of files) rmSync(file);
  });

  test("an environment file gives each value back, and runs nothing", () => {
    // systemd and a shell read double quotes with backslashes alike.
    const values = takenOf((word) => renderEnvironment({ VALUE: word }));
    expect(values.length).toBeGreaterThan(700);
    const said = runShell(values.map(([, text]) => `${text}printf '%s\\0' "$VALUE"`).join("\n"));
    expect(said.split("\0").slice(0, -1)).toEqual(values.map(([word]) => word.toWellFormed()));
    expect(readdirSync(folder)).toEqual([]);
    for (const [word] of takenOf((name) => renderEnvironment({ [name]: "x" }))) expect(word).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
  });
});

describe("YAML", () => {
  const seed = (word: string) => ({ instanceId: word, hostname: word, authorizedKeys: [word] });
  const plainOf = (text: string) => {
    const parsed = parseTree(text);
    return parsed.ok && parsed.root !== undefined ? toPlain(parsed.root) : parsed;
  };

  test("seeds give every text back", () => {
    for (const word of WORDS) {
      const input = seed(word);
      expect(plainOf(renderMetaData(input))).toEqual({ "instance-id": word, "local-hostname": word });
      expect(plainOf(renderUserData(input))).toMatchObject({ hostname: word, users: [{ name: "root", ssh_authorized_keys: [word] }] });
    }
  });

  const python = spawnSync("python3", ["-c", "import yaml"]).status === 0;
  test.skipIf(!python)(`as cloud-init's own parser reads them${python ? "" : " (skipped: there is no PyYAML)"}`, () => {
    const words = WORDS.filter((word) => word.isWellFormed() && word.length < 10_000);
    const program = "import sys,json,yaml; print(json.dumps([yaml.safe_load(t) for t in json.load(sys.stdin)]))";
    const input = JSON.stringify(words.map((word) => renderMetaData(seed(word))));
    const read = JSON.parse(execFileSync("python3", ["-c", program], { input, encoding: "utf8", maxBuffer: 1 << 28 })) as unknown;
    expect(read).toEqual(words.map((word) => ({ "instance-id": word, "local-hostname": word })));
  });

  test("a printed configuration gives every text back", () => {
    for (const word of WORDS.filter((candidate) => candidate.isWellFormed())) expect(plainOf(renderYaml({ a: word }))).toEqual({ a: word });
  });
});

describe("paths and names", () => {
  const name = { site: "shop", environment: "default" };
  const makers: readonly (readonly [string, (word: string) => string])[] = [
    ["a site's folder", (word) => sitePaths({ ...name, site: word }).folder],
    ["an environment's folder", (word) => sitePaths({ ...name, environment: word }).run],
    ["a machine's folder", (word) => machinePaths(name, word).folder],
    ["a machine's socket", (word) => machinePaths(name, word).socket],
    ["a root disk", (word) => machinePaths(name, "m").root(word)],
    ["a data disk", (word) => diskPath(name, word)],
    ["a machine's id", (word) => machineId(name, word)],
    ["a host name", machineHostname],
    ["a workload", (word) => workloadName("shop", word)],
  ];
  test.each(makers)("%s stays where it belongs", (_name, make) => {
    const made = takenOf(make);
    expect(made.length).toBeGreaterThan(5);
    for (const [word, text] of made) {
      expect(word).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(text).toBe(make("PLACE").replace("PLACE", word));
    }
  });

  test("an interface's name is short and plain whatever it stands for", () => {
    for (const word of WORDS) expect(bridgeName({ site: word, environment: word }, word)).toMatch(/^crb[0-9a-f]{10}$/);
  });
});

const network = {
  host: "local",
  bridge: "crb0",
  table: "croft_0",
  subnet: "10.91.0.0/24",
  gateway: "10.91.0.1",
  siteId: "id",
  published: [],
};
const base = { machine: "web", address: "10.91.0.11", names: [], hostAddress: "10.91.0.1", flows: [], addressOf: () => "10.91.0.12" };

describe("rules, hosts and settings", () => {
  const makers: readonly (readonly [string, (word: string) => string])[] = [
    ["a line of hosts", (word) => hostsLine("10.91.0.11", [word])],
    ["an address of hosts", (word) => hostsLine(word, ["a"])],
    ["a machine's hosts", (word) => basePart({ ...base, names: [{ address: "10.91.0.11", names: [word] }] }).files[0]?.content ?? ""],
    ["a machine's firewall", (word) => renderFirewall({ ...base, hostAddress: word })],
    ["a bridge", (word) => renderRules({ ...network, bridge: word })],
    ["a table", (word) => renderRules({ ...network, table: word })],
    ["an owner", (word) => renderRules({ ...network, siteId: word })],
    ["a published address", (word) => renderRules({ ...network, published: [{ port: 80, address: word }] })],
    ["a network", (word) => renderNetworkScript({ ...network, subnet: word }, "/rules")],
    ["a host's address", (word) => renderNetworkScript({ ...network, gateway: word }, "/rules")],
    ["who may use PostgreSQL", (word) => renderHba({ network: word })],
    ["where PostgreSQL listens", (word) => renderConf({ version: 17, memoryBytes: 1 << 30, address: word, network: "", device: "" })],
    ["the kernel's words", (word) => JSON.stringify(makeVmConfig({ ...vm, hostname: word }))],
  ];
  const vm = {
    cpus: 1,
    memoryBytes: 1,
    kernel: "/k",
    root: "/r",
    seed: "/s",
    disks: [],
    tap: "t",
    mac: "m",
    address: "10.91.0.11",
    gateway: "10.91.0.1",
    hostname: "h",
  };

  test.each(makers)("%s: one plain word, or refused", (_name, make) => {
    for (const [word, text] of takenOf(make)) {
      expect(word).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
      expect(text).not.toContain(CANARY + ";");
    }
  });

  test("a flow's reason is a comment and nothing more", () => {
    for (const word of WORDS) {
      const text = renderFirewall({ ...base, flows: [{ from: "web", to: "web", port: 80, reason: word }] });
      const lines = text.split("\n").filter((line) => line.includes("dport 80"));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^ {4}ip saddr 10\.91\.0\.12 tcp dport 80 accept comment "[^"\\\n]*"$/);
    }
  });
});
