/**
 * A real guest from power-on to power-off. Needs root and `CROFT_TEST_IMAGE`, a raw ext4 root file system with systemd,
 * networkd and its generator; skipped without it. Makes one bridge and one tap, and removes them.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { vethName } from "../../model/names.ts";
import { makeClient } from "../client.ts";
import type { VmConfig } from "../types.ts";
import { makeFolder, startProgram } from "./harness.ts";

const IMAGE = process.env["CROFT_TEST_IMAGE"];
const REASON = "CROFT_TEST_IMAGE names no image";
const usable = IMAGE !== undefined && existsSync(IMAGE) && process.getuid?.() === 0;
const [BRIDGE, TAP, HOST, GUEST] = ["crtestbr0", "crtesttap0", "10.213.79.1", "10.213.79.11"];
const run = (command: string): string => execFileSync("sh", ["-c", command], { encoding: "utf8" });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (what: () => boolean | Promise<boolean>, seconds: number): Promise<void> => {
  const end = Date.now() + seconds * 1000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not in ${seconds} s: ${String(what)}`);
    await wait(50);
  }
};

const hasSsh = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: GUEST, port: 22, timeout: 300 });
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", settle(true)).once("error", settle(false)).once("timeout", settle(false));
  });

const isClean = (folder: string): boolean =>
  !run("losetup -a; cat /proc/mounts").includes(folder) && !existsSync(`/sys/class/net/${vethName(TAP)}`);

const configOf = (folder: string): VmConfig => ({
  cpus: { boot_vcpus: 1, max_vcpus: 1 },
  memory: { size: 512 * 1024 * 1024 },
  payload: { kernel: join(folder, "kernel"), cmdline: `root=/dev/vda rw ip=${GUEST}::${HOST}:255.255.255.0:test:eth0:none` },
  disks: [
    { path: join(folder, "guest.raw"), image_type: "Raw", serial: "root" },
    { path: join(folder, "extra.raw"), image_type: "Raw", serial: "data" },
  ],
  net: [{ tap: TAP, mac: "52:00:00:00:79:11" }],
  serial: { mode: "Tty" },
  console: { mode: "Off" },
});

const cleaners: (() => void)[] = [];

const startGuest = async () => {
  const folder = makeFolder();
  run(`cp --sparse=always '${IMAGE}' ${folder}/guest.raw`);
  const program = await startProgram(folder, ["--engine", "nspawn"]);
  const client = makeClient(program.socket);
  cleaners.push(program.clean, client.close);
  await client.create(configOf(folder));
  return { folder, program, client };
};

beforeAll(() => {
  if (usable)
    run(
      `ip link add ${BRIDGE} type bridge; ip address add ${HOST}/24 dev ${BRIDGE}; ip link set ${BRIDGE} up; ip tuntap add dev ${TAP} mode tap; ip link set ${TAP} master ${BRIDGE} up`,
    );
});
afterEach(() => cleaners.splice(0).forEach((clean) => clean()));
afterAll(() => {
  if (usable) run(`ip link delete ${TAP}; ip link delete ${BRIDGE}`);
});

test.skipIf(!usable)(`a guest boots, reboots, pauses and powers off (${REASON} when skipped)`, { timeout: 120_000 }, async () => {
  const { folder, program, client } = await startGuest();
  await client.boot();
  await until(hasSsh, 30);
  await client.pause();
  expect((await client.info()).state).toBe("Paused");
  await client.resume();
  await client.reboot();
  await until(hasSsh, 30);
  expect(Object.keys(await client.counters())).toEqual(["_disk0", "_disk1", "_net2"]);
  await client.powerButton();
  expect(await program.exit).toBe(0);
  expect(
    program
      .readEvents()
      .slice(-3)
      .map(({ event }) => event),
  ).toEqual(["shutdown", "deleted", "shutdown"]);
  expect(isClean(folder)).toBe(true);
});

test.skipIf(!usable)(
  `killing the program leaves nothing of the guest, running or paused (${REASON} when skipped)`,
  { timeout: 120_000 },
  async () => {
    for (const paused of [false, true]) {
      const { folder, program, client } = await startGuest();
      await client.boot();
      if (paused) await client.pause();
      const guests = readFileSync("/proc/mounts", "utf8");
      expect(guests).not.toContain(folder);
      await program.stop("SIGKILL");
      await until(() => isClean(folder), 5);
      expect(run("ps -eo args")).not.toContain(`${folder}/api.sock.root`);
    }
  },
);

test.skipIf(!usable)(`a tap that does not exist fails the boot (${REASON} when skipped)`, { timeout: 60_000 }, async () => {
  const { folder, client } = await startGuest();
  await client.delete();
  await client.create({ ...configOf(folder), net: [{ tap: "croft-no-such" }] });
  await expect(client.boot()).rejects.toThrow("Invalid interface name (does it exist?): croft-no-such");
});
