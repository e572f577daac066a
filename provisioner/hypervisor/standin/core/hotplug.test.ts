/** Every kind of device, added before boot and after: slots, windows, and what fails where nobody serves it. */
import { describe, expect, test } from "vitest";
import { makeNoEngine } from "../engines/none.ts";
import { booted, disk, start, vm } from "./session.fixture.ts";

const MEBIBYTE = 1024 * 1024;
const added = (title: string, ...chain: readonly string[]) => ({
  status: 500,
  body: ["Error from API", `The ${title} could not be added to the VM`, ...chain],
});

describe("adding to a running VM", () => {
  test("persistent memory takes a range and a slot, and gives both back", async () => {
    const program = await booted(vm(), { ...makeNoEngine(), obeysUnplug: true });
    expect(await program.call("PUT", "vm.add-pmem", { file: "/pmem" })).toEqual({
      status: 200,
      body: { id: "_pmem2", bdf: "0000:00:04.0" },
    });
    const { body } = await program.call("GET", "vm.info");
    const range = { MmioAddressRange: { base: 2 ** 46 - 0x80_0000 - 32 * MEBIBYTE, size: 32 * MEBIBYTE } };
    expect(body.device_tree["_pmem2"]).toEqual({ id: "_pmem2", resources: [range], parent: "_virtio-pci-_pmem2", children: [] });
    expect(body.config.pmem).toEqual([{ id: "_pmem2", pci_segment: 0, file: "/pmem", discard_writes: false }]);
    expect((await program.call("PUT", "vm.remove-device", { id: "_pmem2" })).status).toBe(204);
    expect(program.events.at(-1)).toBe("device-removed");
    expect(program.properties.at(-1)).toEqual({ id: "_pmem2", bdf: "0000:00:04.0" });
    const again = await program.call("PUT", "vm.add-pmem", { file: "/pmem", id: "p" });
    expect(again.body).toEqual({ id: "p", bdf: "0000:00:04.0" });
    expect((await program.call("GET", "vm.info")).body.device_tree["p"].resources).toEqual([range]);
  });
  test.each([
    [{ file: "/none/x" }, ["Cannot open persistent memory file", "No such file or directory (os error 2)"]],
    [{ file: "/odd" }, ["Trying to use a size that is not multiple of 2MiB"]],
    [{ file: "/empty" }, ["Cannot find a memory range for persistent memory"]],
    [{ file: "/snap" }, ["Trying to use a directory for pmem but no size specified"]],
    [{ file: "/pmem", id: "__x" }, undefined],
    [{ file: "/pmem", iommu: true }, ["Cannot hotplug device behind vIOMMU"]],
  ])("persistent memory %j", async (body, chain) => {
    const { call } = await booted();
    const expected =
      chain === undefined ? ["Failed to validate config", "Identifier __x is not invalid"] : ["Error from device manager", ...chain];
    expect(await call("PUT", "vm.add-pmem", body)).toEqual(added("pmem device", ...expected));
  });
  test("one vsock device, at a socket of its own", async () => {
    const { call } = await booted();
    const bind = (why: string) =>
      added(
        "vsock device",
        "Error from device manager",
        "Cannot create virtio-vsock backend",
        "Error binding to the host-side Unix socket",
        why,
      );
    expect(await call("PUT", "vm.add-vsock", { cid: 3, socket: "/run/taken" })).toEqual(bind("Address already in use (os error 98)"));
    expect(await call("PUT", "vm.add-vsock", { cid: 3, socket: "/none/s" })).toEqual(bind("No such file or directory (os error 2)"));
    expect(await call("PUT", "vm.add-vsock", { cid: 3, socket: "/run/s" })).toEqual({
      status: 200,
      body: { id: "_vsock4", bdf: "0000:00:04.0" },
    });
    expect(await call("PUT", "vm.add-vsock", { cid: 4, socket: "/run/t" })).toEqual(added("vsock device", "Too many virtio-vsock devices"));
    expect((await call("PUT", "vm.remove-device", { id: "_vsock4" })).status).toBe(204);
    expect((await call("GET", "vm.info")).body.config.vsock).toBeUndefined();
  });
  test("network devices keep no descriptors and need a name that fits", async () => {
    const { call } = await booted();
    const long = "a-tap-with-a-long-name";
    const chain = ["Cannot create virtio-net device", "Failed to open taps", "Open tap device failed"];
    const why = `Interface name too long (max length is 15): ${long}`;
    expect(await call("PUT", "vm.add-net", { tap: long })).toEqual(added("network device", "Error from device manager", ...chain, why));
    expect(await call("PUT", "vm.add-net", { tap: "t", fds: [3], id: "n" })).toEqual({
      status: 200,
      body: { id: "n", bdf: "0000:00:04.0" },
    });
    const { body } = await call("GET", "vm.info");
    expect(body.config.net[0]).toMatchObject({ id: "n", tap: "t", host_mac: "0a:00:00:00:00:01" });
    expect(body.config.net[0]).not.toHaveProperty("fds");
    expect((await call("GET", "vm.counters")).body["n"]).toEqual({ rx_bytes: 0, rx_frames: 0, tx_bytes: 0, tx_frames: 0 });
  });
  test.each([
    ["vm.add-fs", "fs", { tag: "t", socket: "/none/s" }, ["Cannot create virtio-fs device", "Connection to socket failed"]],
    ["vm.add-vdpa", "vDPA device", { path: "/none/v" }, ["Cannot create vdpa device", "Failed to create vhost-vdpa"]],
    ["vm.add-user-device", "user device", { socket: "/none/u" }, ["Failed to create vfio-user client"]],
    ["vm.add-device", "device", { path: "/sys/bus/pci/devices/none" }, ["Cannot create a VFIO device"]],
    [
      "vm.add-generic-vhost-user",
      "generic vhost-user device",
      { socket: "/none/g", queue_sizes: [64], device_type: 26 },
      ["Cannot create generic vhost-user device", "Connection to socket failed"],
    ],
  ])("%s fails where nobody serves the device, and leaves the configuration", async (name, title, body, chain) => {
    const { call } = await booted(vm({ memory: { size: 512 * MEBIBYTE, shared: true } }));
    const before = (await call("GET", "vm.info")).body.config;
    const answer = await call("PUT", name, body);
    expect(answer.body.slice(0, 3 + chain.length)).toEqual(added(title, "Error from device manager", ...chain).body);
    expect(answer.status).toBe(500);
    expect((await call("GET", "vm.info")).body.config).toEqual(before);
  });
  test.each([
    ["vm.add-fs", "fs", { tag: "t", socket: "/s" }, "Using vhost-user requires using shared memory or huge pages"],
    ["vm.add-user-device", "user device", { socket: "/s" }, "Using user devices requires using shared memory or huge pages"],
    ["vm.add-device", "device", {}, "VFIO device config must specify `path=` or `fd=`"],
    ["vm.add-device", "device", { path: "/d", x_exclude_mmap_bars: [6] }, "Invalid VFIO excluded-mmap BAR index: 6"],
    ["vm.add-vsock", "vsock device", { cid: 1, socket: "/s" }, "1 is a special VSOCK CID"],
    ["vm.add-disk", "disk", { path: "/c", image_type: "Raw", id: "_disk0" }, "Identifier _disk0 is not unique"],
    [
      "vm.add-disk",
      "disk",
      { path: "/c", image_type: "Raw", pci_device_id: 32 },
      "Given PCI device ID (32) is out of the supported range of 0..32",
    ],
  ])("%s %s is checked with the whole configuration: %j", async (name, title, body, message) => {
    const { call } = await booted();
    expect(await call("PUT", name, body)).toEqual(added(title, "Failed to validate config", message));
  });
  test("a slot that is named and taken is refused; 31 devices fill the bus", async () => {
    const { call } = await booted();
    const slot = (chain: string) => added("disk", "Error from device manager", "Failed to find an available PCI device ID", chain);
    expect(await call("PUT", "vm.add-disk", disk("/c", { pci_device_id: 1 }))).toEqual(
      slot("Valid PCI device identifier but already used: 1"),
    );
    for (let count = 3; count < 31; count += 1) await call("PUT", "vm.add-net", { tap: "t" });
    expect(await call("PUT", "vm.add-disk", disk("/c"))).toEqual(slot("Could not find an available device slot on the PCI bus"));
  });
  test("an engine with a guest adds only what it can", async () => {
    const { call } = await booted(vm(), { ...makeNoEngine(), name: "nspawn" });
    expect((await call("PUT", "vm.add-pmem", { file: "/pmem" })).body.at(-1)).toBe("this engine adds persistent memory only at boot");
    expect((await call("PUT", "vm.add-disk", disk("/c"))).status).toBe(200);
  });
});

describe("devices of a boot", () => {
  test("before it every kind is only written down", async () => {
    const { call } = start();
    await call("PUT", "vm.create", vm({ memory: { size: 512 * MEBIBYTE, shared: true } }));
    const bodies = {
      "vm.add-fs": { tag: "t", socket: "/s" },
      "vm.add-pmem": { file: "/none/x" },
      "vm.add-vdpa": { path: "/v" },
      "vm.add-vsock": { cid: 3, socket: "/run/s" },
      "vm.add-device": { path: "/d" },
      "vm.add-user-device": { socket: "/u" },
      "vm.add-net": { tap: "t" },
    };
    for (const [name, body] of Object.entries(bodies)) expect(await call("PUT", name, body)).toEqual({ status: 204, body: undefined });
    const { config } = (await call("GET", "vm.info")).body;
    expect(Object.keys(config)).toEqual(expect.arrayContaining(["fs", "pmem", "vdpa", "vsock", "devices", "user_devices", "net"]));
    expect((await call("PUT", "vm.boot")).body.slice(2, 4)).toEqual(["Error from device manager", "Cannot create virtio-fs device"]);
  });
  test("the bus has them in the real order, ids from the configuration", async () => {
    const config = vm({
      pmem: [{ file: "/pmem" }],
      vsock: { cid: 3, socket: "/run/s" },
      balloon: { size: 0 },
      watchdog: true,
      pvpanic: true,
      rng: { src: "/dev/urandom", id: "noise" },
      memory: { size: 512 * MEBIBYTE, hotplug_method: "VirtioMem", hotplug_size: 512 * MEBIBYTE },
    });
    const { call } = await booted(config);
    const tree: Record<string, { pci_bdf?: string }> = (await call("GET", "vm.info")).body.device_tree;
    const order = Object.entries(tree).filter(([, node]) => node.pci_bdf !== undefined);
    expect(order.map(([id]) => id.replace("_virtio-pci-", ""))).toEqual([
      "_disk0",
      "_disk1",
      "noise",
      "_pmem2",
      "_vsock3",
      "mem0",
      "__balloon",
      "__watchdog",
      "__pvpanic",
    ]);
    expect((await call("PUT", "vm.remove-device", { id: "__balloon" })).body.at(-1)).toBe(
      "Not allowed to remove this type of device from the VM: balloon",
    );
    expect((await call("PUT", "vm.remove-device", { id: "__pvpanic" })).body.at(-1)).toBe("Could not find the node in the device tree");
  });
  test("two devices cannot name one slot", async () => {
    const { call } = start();
    await call("PUT", "vm.create", vm({ disks: [disk("/a", { pci_device_id: 5 }), disk("/b", { pci_device_id: 5 })] }));
    expect((await call("PUT", "vm.boot")).body.slice(3)).toEqual([
      "Could not reserve the PCI device ID",
      "Valid PCI device identifier but already used: 5",
    ]);
  });
});
