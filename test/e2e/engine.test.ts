/** A real guest of the stand-in from power-on to every way it can end, and the size it is held to. Needs root. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { makeClient } from "../../provisioner/hypervisor/client.ts";
import { startProgram } from "../../provisioner/hypervisor/standin/harness.ts";
import { HOST, MEBIBYTE, closeNetwork, configOf, createGuest, findImage, openNetwork, run, until, type TestGuest } from "./guest.ts";

let image = "";
const guests: TestGuest[] = [];

beforeAll(async () => {
  image = await findImage();
  openNetwork();
});
afterEach(async () => {
  for (const guest of guests.splice(0)) await guest.clean();
});
afterAll(() => void closeNetwork());

const created = async (...args: readonly string[]): Promise<TestGuest> => {
  const guest = await createGuest(image, args);
  guests.push(guest);
  return guest;
};

const booted = async (...args: readonly string[]): Promise<TestGuest> => {
  const guest = await created(...args);
  await guest.client.boot();
  await until(guest.isUp, 40);
  return guest;
};

describe("a guest ends", () => {
  test("paused and resumed, rebooted over the API, then by its power button", async () => {
    const guest = await booted();
    await guest.client.pause();
    expect((await guest.client.info()).state).toBe("Paused");
    await guest.client.resume();
    await guest.client.reboot();
    await until(guest.isUp, 40);
    expect(Object.keys(await guest.client.counters())).toEqual(["_disk0", "_disk1", "_net2"]);
    await guest.client.powerButton();
    expect(await guest.program.exit).toBe(0);
    expect(guest.events().slice(-3)).toEqual(["vm shutdown", "vm deleted", "vmm shutdown"]);
    expect(guest.isGone()).toBe(true);
    expect(guest.program.leftFiles()).toEqual(["api.sock.lock"]);
  });

  test("by its own power-off, and a reboot of its own before", async () => {
    const guest = await booted();
    const first = guest.init();
    run(`nsenter --target ${first} --all systemctl reboot --no-block`);
    await until(() => guest.events().includes("vm rebooted"), 30);
    await until(guest.isUp, 40);
    expect(guest.init()).not.toBe(first);
    expect((await guest.client.ping()).pid).toBe(guest.program.pid);
    expect(guest.events().slice(-2)).toEqual(["vm rebooting", "vm rebooted"]);
    run(`nsenter --target ${guest.init()} --all systemctl poweroff --no-block`);
    expect(await guest.program.exit).toBe(0);
    expect(guest.events().slice(-3)).toEqual(["vm shutdown", "vm deleted", "vmm shutdown"]);
    expect(guest.isGone()).toBe(true);
  });

  test("with --no-shutdown the program stays, keeps the configuration and boots again", async () => {
    const guest = await booted("--no-shutdown");
    await guest.client.powerButton();
    await until(() => guest.events().at(-1) === "vm shutdown", 30);
    const info = await guest.client.info();
    expect(info.state).toBe("Created");
    expect(info.device_tree).toBeUndefined();
    expect(guest.isGone()).toBe(true);
    await guest.client.boot();
    expect((await guest.client.info()).state).toBe("Running");
  });

  test("with the death of its first process: the program ends with an error", async () => {
    const guest = await booted();
    process.kill(guest.init() ?? 0, "SIGKILL");
    expect(await guest.program.exit).toBe(1);
    expect(guest.program.errors()).toContain("the guest ended without being asked to");
    await until(guest.isGone, 10);
  });

  test("with the program: a signal pulls the plug cleanly", async () => {
    const guest = await created();
    await guest.client.boot();
    expect(await guest.program.stop("SIGTERM")).toBe(0);
    expect(guest.events().slice(-3)).toEqual(["vm shutdown", "vm deleted", "vmm shutdown"]);
    expect(guest.isGone()).toBe(true);
  });

  test.each([false, true])("with the program killed, paused: %s", async (paused) => {
    const guest = await created();
    await guest.client.boot();
    if (paused) await guest.client.pause();
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(guest.folder);
    const before = guest.events();
    await guest.program.stop("SIGKILL");
    await until(guest.isGone, 10);
    expect(run("ps -eo args")).not.toContain(`${guest.folder}/api.sock.root`);
    expect(guest.events()).toEqual(before);
    expect(guest.program.leftFiles()).toEqual(expect.arrayContaining(["api.sock", "api.sock.lock"]));
  });
});

describe("a guest that is cut off with bytes unsent", () => {
  test.each(["SIGTERM", "SIGKILL"] as const)("leaves no interface that the next start would wait for, by %s", async (signal) => {
    // Nobody reads: what the guest sends stays in its network, which outlives its processes.
    const server = createServer({ pauseOnConnect: true }).listen(0, HOST);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const guest = await booted();
    run(`nsenter --target ${guest.init()} --all systemd-run --quiet bash -c 'exec 3<>/dev/tcp/${HOST}/${port}; cat /dev/zero >&3'`);
    const [socket] = (await once(server, "connection")) as [Socket];
    await until(
      () =>
        run(`nsenter --target ${guest.init()} --net ss -tnH state established`)
          .split(/\s+/)
          .some((word) => Number(word) > 50_000),
      20,
    );
    await guest.program.stop(signal);
    run(`rm -f ${guest.program.socket}`);
    const next = await startProgram(guest.folder, ["--engine", "nspawn"]);
    const client = makeClient(next.socket);
    await client.create(configOf(guest.folder));
    await client.boot();
    await until(guest.isUp, 40);
    expect(await next.stop("SIGTERM")).toBe(0);
    expect(guest.isGone()).toBe(true);
    client.close();
    socket.destroy();
    server.close();
  });
});

describe("a guest is held to its size", () => {
  test("limits say so, more memory than it has ends what takes it, and both change while it runs", async () => {
    const guest = await booted();
    expect(guest.limits()).toEqual([String(512 * MEBIBYTE), "100000"]);
    const take = "head -c 700M /dev/zero | tail -c 700M > /dev/null && echo held";
    expect(() => guest.inGuest(take)).toThrow();
    expect((await guest.client.info()).state).toBe("Running");
    expect(guest.isUp()).toBe(true);
    await guest.client.resize({ desired_ram: 1024 * MEBIBYTE });
    await guest.client.resize({ desired_vcpus: 2 });
    expect(guest.limits()).toEqual([String(1024 * MEBIBYTE), "200000"]);
    expect(guest.inGuest(take)).toContain("held");
  });
});

describe("devices of a guest", () => {
  test("a disk comes and goes", async () => {
    const guest = await booted();
    run(`truncate -s 16M ${guest.folder}/more.raw`);
    const disk = { path: `${guest.folder}/more.raw`, image_type: "Raw", id: "more", serial: "more" } as const;
    await guest.client.addDisk(disk);
    const node = "/dev/disk/by-id/virtio-more";
    expect(guest.inGuest(`head -c 1M /dev/zero > ${node} && stat -c %F ${node}`)).toContain("block special file");
    await guest.client.removeDevice("more");
    await until(() => guest.events().at(-1) === "vm device-removed", 5);
    expect(guest.inGuest(`test -e ${node} || echo gone`)).toContain("gone");
    expect((await guest.client.addDisk(disk))?.id).toBe("more");
  });

  test("a tap that does not exist fails the boot", async () => {
    const guest = await created();
    await guest.client.delete();
    await guest.client.create({ ...configOf(guest.folder), net: [{ tap: "croft-no-such" }] });
    await expect(guest.client.boot()).rejects.toThrow("Invalid interface name (does it exist?): croft-no-such");
  });
});
