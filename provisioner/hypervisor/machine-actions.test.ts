/** What each action asks of a hypervisor, and the files it leaves: a stand-in without a guest. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { ApplyRequest } from "../execute/driver.ts";
import { shortHash } from "../model/names.ts";
import type { JsonObject, Resource, Step } from "../plan/resource.ts";
import { makeLocalShell } from "../transport/local.ts";
import { makeClient } from "./client.ts";
import { makeActionDriver, type MachineAction } from "./machine-actions.ts";
import { makeVmConfig, renderVmJson, type MachineConfigInput } from "./machine-config.ts";
import type { MachinePaths, MachineTools } from "./machine-driver.ts";
import { makeFolder, startProgram } from "./standin/harness.ts";

const MEBIBYTE = 1024 * 1024;
const shell = makeLocalShell();
const cleaners: (() => void)[] = [];
afterEach(() => cleaners.splice(0).forEach((clean) => clean()));

const inputIn = (folder: string): MachineConfigInput => ({
  cpus: 1,
  memoryBytes: 512 * MEBIBYTE,
  kernel: join(folder, "kernel"),
  root: join(folder, "root.raw"),
  seed: join(folder, "seed.iso"),
  disks: [],
  tap: "crt-no-such",
  mac: "52:00:00:00:00:01",
  address: "10.0.0.2",
  gateway: "10.0.0.1",
  hostname: "web",
});

const pathsIn = (folder: string): MachinePaths => ({
  folder,
  vmJson: join(folder, "vm.json"),
  seed: join(folder, "seed.iso"),
  runScript: join(folder, "run-script"),
  mark: join(folder, "owner"),
  log: join(folder, "console.log"),
  run: join(folder, "run"),
  socket: join(folder, "api.sock"),
  pid: join(folder, "vmm.pid"),
  root: () => join(folder, "root.raw"),
});

const startTime = (pid: number): string => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";

/** A machine as the driver leaves one: booted, with its files. */
const start = async () => {
  const folder = makeFolder();
  const program = await startProgram(folder);
  const [paths, input] = [pathsIn(folder), inputIn(folder)];
  const client = makeClient(paths.socket);
  cleaners.push(program.clean, client.close);
  mkdirSync(paths.run);
  writeFileSync(paths.pid, `${program.pid} ${startTime(program.pid)}\n`);
  writeFileSync(paths.mark, "s");
  writeFileSync(paths.vmJson, renderVmJson(input));
  writeFileSync(join(paths.run, "started"), `${shortHash(renderVmJson(input), 16)}\n`);
  writeFileSync(join(folder, "machine.json"), JSON.stringify({ cpus: 1 }));
  await client.create(makeVmConfig(input) as Parameters<typeof client.create>[0]);
  await client.boot();
  const tools: MachineTools = {
    shell,
    siteId: "s",
    siteKey: "s/default",
    paths: () => paths,
    publicKey: async () => "",
    connect: async () => {},
    disconnect: async () => {},
    bootTimeoutMs: 1000,
  };
  const act = (action: MachineAction, wanted: MachineConfigInput = input): Promise<JsonObject> => {
    const payload = { vmJson: renderVmJson(wanted), runScript: "#!/bin/sh\n" };
    const resource = {
      id: "machine/web",
      kind: "machine",
      host: "local",
      spec: { cpus: wanted.cpus },
      needs: [],
      payload,
    } satisfies Resource;
    const recorded = { ...resource, output: { address: "10.0.0.2" }, status: "active" } as const;
    const request: ApplyRequest = {
      step: { id: resource.id } as Step,
      resource,
      recorded,
      observed: { status: "absent" },
      progress: () => {},
      signal: new AbortController().signal,
    };
    return makeActionDriver(tools, action).apply(request);
  };
  const facts = async (): Promise<JsonObject> => {
    const found = await makeActionDriver(tools, "stop").observe([{ id: "machine/web", resource: undefined, recorded: undefined }]);
    const seen = found.get("machine/web");
    return seen?.status === "present" ? seen.facts : {};
  };
  return { folder, input, program, client, act, facts };
};

test("pause and resume show as states, and remember what was known", async () => {
  const { act, facts } = await start();
  expect(await act("pause")).toEqual({ address: "10.0.0.2" });
  expect(await facts()).toMatchObject({ state: "paused" });
  await act("resume");
  expect(await facts()).toMatchObject({ state: "running" });
});

test("growing asks for what changed, once, and its files are what the next look sees", async () => {
  const { folder, input, client, act, facts } = await start();
  const disk = { path: join(folder, "extra.raw"), serial: "data" };
  const wanted = { ...input, cpus: 3, memoryBytes: 768 * MEBIBYTE, disks: [disk] };
  await act("grow", wanted);
  const { config } = await client.info();
  expect(config).toMatchObject({ cpus: { boot_vcpus: 3, max_vcpus: 8 }, memory: { size: 768 * MEBIBYTE } });
  expect(config.disks?.at(-1)).toMatchObject({ ...disk, id: "data" });
  expect(await facts()).toMatchObject({ cpus: 3, config: shortHash(renderVmJson(wanted), 16), state: "running" });
  await act("grow", wanted);
  expect((await client.info()).config.disks).toHaveLength(3);
});

test("a growth that was killed before its files were written is done again without harm", async () => {
  const { folder, input, client, act } = await start();
  const disk = { path: join(folder, "extra.raw"), serial: "data" };
  await client.resize({ desired_vcpus: 2 });
  await client.addDisk({ path: disk.path, image_type: "Raw", serial: disk.serial, id: disk.serial });
  await act("grow", { ...input, cpus: 2, disks: [disk] });
  expect((await client.info()).config.disks).toHaveLength(3);
});

test("what needs a restart is refused and changes nothing", async () => {
  const { input, act, facts } = await start();
  const before = await facts();
  await expect(act("grow", { ...input, memoryBytes: 256 * MEBIBYTE })).rejects.toThrow("memory shrinks only with a restart");
  expect(await facts()).toEqual(before);
});
