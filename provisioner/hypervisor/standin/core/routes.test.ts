/** Rules beyond the recording, against a host of plain objects and no guest. */
import { describe, expect, test } from "vitest";
import { makeNoEngine } from "../engines/none.ts";
import type { Host } from "./ports.ts";
import { answerRequest } from "./routes.ts";
import { makeSession, type Session } from "./session.ts";

type FakeFiles = Readonly<Record<string, "Raw" | "Qcow2">>;

const missing = { refused: "No such file or directory (os error 2)" };

const makeFakeHost = (files: FakeFiles): Host => {
  const locked = new Set<string>();
  const opened: string[] = [];
  return {
    openDisk: (path) => {
      const type = files[path];
      return type === undefined ? missing : { type, handle: opened.push(path) - 1 };
    },
    lockDisk: (handle) => {
      const path = opened[handle] ?? "";
      if (locked.has(path)) return false;
      locked.add(path);
      return true;
    },
    closeDisk: (handle) => void locked.delete(opened[handle] ?? ""),
    resizeDisk: () => undefined,
    canRead: () => undefined,
    truncate: (path) => (path.startsWith("/none/") ? missing : undefined),
    createNew: () => undefined,
    readText: () => missing,
    isFolder: (path) => path === "/snap",
    exists: () => false,
    tapMac: () => "0a:00:00:00:00:01",
  };
};

const FILES: FakeFiles = { "/a": "Raw", "/b": "Raw", "/c": "Raw", "/q": "Qcow2" };

const start = () => {
  const events: string[] = [];
  const session: Session = makeSession({
    host: makeFakeHost(FILES),
    engine: makeNoEngine(),
    emit: (_source, event) => void events.push(event),
    onGuestEnd: () => {},
    onConsole: () => {},
  });
  const call = async (method: "GET" | "PUT" | "PATCH", name: string, body?: unknown) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await answerRequest(session, {
      method,
      path: `/api/v1/${name}`,
      body: text === undefined ? undefined : Buffer.from(text),
    });
    return { status: answer.status, body: answer.body ? JSON.parse(answer.body) : answer.body };
  };
  return { call, events };
};

const disk = (path: string, more = {}) => ({ path, image_type: "Raw", ...more });
const vm = (more = {}) => ({ payload: { kernel: "/k" }, disks: [disk("/a"), disk("/b")], console: { mode: "Off" }, ...more });

const booted = async (config: unknown = vm()) => {
  const program = start();
  await program.call("PUT", "vm.create", config);
  expect(await program.call("PUT", "vm.boot")).toEqual({ status: 204, body: undefined });
  return program;
};

describe("bodies that are refused", () => {
  test.each([
    ["{", "EOF while parsing an object at line 1 column 1"],
    ['{"cpus"', "EOF while parsing an object at line 1 column 7"],
    ['{"cpus":', "EOF while parsing a value at line 1 column 8"],
    ["5", "invalid type: integer `5`, expected struct VmConfig at line 1 column 1"],
    ['"x"', 'invalid type: string "x", expected struct VmConfig at line 1 column 3'],
    ["nope", "expected ident at line 1 column 2"],
    ["x", "expected value at line 1 column 1"],
    ["{} x", "trailing characters at line 1 column 4"],
    ['{"a":1,}', "trailing comma at line 1 column 8"],
    ["{1:2}", "key must be a string at line 1 column 2"],
    ['{"a" 1}', "expected `:` at line 1 column 6"],
    ['{"a":1 "b":2}', "expected `,` or `}` at line 1 column 8"],
    ['{"pvpanic":1}', "invalid type: integer `1`, expected a boolean at line 1 column 12"],
    ['{"cpus":{"max_vcpus":1}}', "missing field `boot_vcpus` at line 1 column 23"],
    ['{"cpus":{"boot_vcpus":-1}}', "invalid value: integer `-1`, expected u32 at line 1 column 24"],
    ['{"cpus":{"boot_vcpus":1.5}}', "invalid type: floating point `1.5`, expected u32 at line 1 column 25"],
    ['{"cpus":{"boot_vcpus":null}}', "invalid type: null, expected u32 at line 1 column 26"],
    ['{"cpus":{"boot_vcpus":{}}}', "invalid type: map, expected u32 at line 1 column 22"],
    ['{"cpus":{"boot_vcpus":1,"boot_vcpus":2}}', "duplicate field `boot_vcpus` at line 1 column 36"],
    ['{\n "memory":{"size":"x"}}', 'invalid type: string "x", expected u64 at line 2 column 21'],
    [
      '{"disks":[{"path":"/a","image_type":"raw"}]}',
      "unknown variant `raw`, expected one of `FixedVhd`, `Qcow2`, `Raw`, `Vhdx`, `Unknown` at line 1 column 41",
    ],
    ['{"disks":{}}', "invalid type: map, expected a sequence at line 1 column 9"],
    ['{"disks":[{"path":7}]}', "invalid type: integer `7`, expected path string at line 1 column 19"],
    ['{"disks":[{"path":"/a","id":7}]}', "invalid type: integer `7`, expected a string at line 1 column 30"],
    ['{"serial":{}}', "missing field `mode` at line 1 column 12"],
    ['{"net":[{"mac":"zz"}]}', "The provided MAC address is invalid: parsing of zz into a MAC address failed at line 1 column 19"],
    ['{"disks":[{"rate_limiter_config":{"x":1}}]}', "unknown field `x`, expected `bandwidth` or `ops` at line 1 column 37"],
  ])("%s", async (body, message) => {
    const { call } = start();
    expect(await call("PUT", "vm.create", body)).toEqual({ status: 400, body: ["Failed to deserialize JSON", message] });
  });
  test("a method no path takes is an empty 400 for actions", async () => {
    const { call } = start();
    expect(await call("PATCH", "vm.boot")).toEqual({ status: 400, body: "" });
    expect(await call("PATCH", "vm.info")).toEqual({ status: 400, body: ["Bad Request"] });
  });
});

describe("configurations that cannot boot", () => {
  test.each([
    [vm({ disks: [disk("/a", { num_queues: 2 })] }), "Queue count (2) must not exceed boot vCPUs (1)"],
    [vm({ disks: [disk("/a", { queue_size: 100 })] }), "Queue size must be a power of 2 no greater than 32768: 100"],
    [vm({ disks: [disk("/a", { serial: "x".repeat(21) })] }), "Block device serial length (21) exceeds maximum allowed length (20)"],
    [vm({ disks: [disk("/a", { id: "d" }), disk("/b", { id: "d" })] }), "Identifier d is not unique"],
    [vm({ disks: [disk("/a", { id: "__d" })] }), "Identifier __d is not invalid"],
    [vm({ disks: [disk("/a", { pci_segment: 1 })] }), "Invalid PCI segment id: 1"],
    [vm({ net: [{ tap: "t", mtu: 100 }] }), "Provided MTU 100 is lower than 1280 (expected by VIRTIO specification)"],
    [vm({ net: [{ tap: "t", num_queues: 1 }] }), "Number of queues (1) to virtio_net should be higher than 2"],
    [vm({ vsock: { cid: 2, socket: "/s" } }), "2 is a special VSOCK CID"],
    [vm({ balloon: { size: 536870912 } }), "Balloon size (536870912) greater than RAM (536870912)"],
    [vm({ serial: { mode: "File" } }), "Path missing when using file console mode"],
    [
      vm({ cpus: { boot_vcpus: 1, max_vcpus: 2, topology: { threads_per_core: 1, cores_per_die: 1, dies_per_package: 1, packages: 1 } } }),
      "Product of CPU topology parts does not match maximum vCPU",
    ],
  ])("%j", async (config, message) => {
    const { call } = start();
    await call("PUT", "vm.create", config);
    const answer = await call("PUT", "vm.boot");
    expect(answer).toEqual({ status: 500, body: ["Error from API", "The VM could not boot", "Failed to validate config", message] });
  });
});

describe("devices", () => {
  test("one counter numbers disks and network devices, and the console comes first on the bus", async () => {
    const { call } = await booted(vm({ net: [{ tap: "t", mac: "52:00:00:00:00:01" }], console: { mode: "Null" } }));
    const { body } = await call("GET", "vm.info");
    expect(body.config.net[0]).toMatchObject({ id: "_net2", host_mac: "0a:00:00:00:00:01" });
    expect(body.device_tree["_virtio-pci-__console"].pci_bdf).toBe("0000:00:01.0");
    expect(body.device_tree["_virtio-pci-_net2"].pci_bdf).toBe("0000:00:04.0");
  });
  test("a wrong type loses the disks of the configuration, so that the next boot succeeds", async () => {
    const { call } = start();
    await call("PUT", "vm.create", vm({ disks: [disk("/q")] }));
    const answer = await call("PUT", "vm.boot");
    expect(answer.body.at(-1)).toBe("Disk image type does not match expected type: specified = raw, detected = qcow2");
    expect((await call("GET", "vm.info")).body.config.disks).toBeUndefined();
    expect((await call("PUT", "vm.boot")).status).toBe(204);
  });
  test("a guessed type is written down", async () => {
    const { call } = await booted(vm({ disks: [{ path: "/q", backing_files: true }] }));
    expect((await call("GET", "vm.info")).body.config.disks[0]).toMatchObject({ image_type: "Qcow2", backing_files: false });
  });
  test("one disk twice fails late: a VM stays behind", async () => {
    const { call } = start();
    await call("PUT", "vm.create", vm({ disks: [disk("/a"), disk("/a")] }));
    expect((await call("PUT", "vm.boot")).body.slice(2)).toEqual([
      "Error locking disk images: Another instance likely holds a lock",
      "Cannot lock images of all block devices",
      "Failed to get Write lock for disk image: /a",
      "The file is already locked",
    ]);
    expect((await call("PUT", "vm.boot")).body.at(-1)).toBe("VM is already created");
  });
  test("only some devices can be removed, and once", async () => {
    const { call } = await booted();
    const last = async (id: string) => (await call("PUT", "vm.remove-device", { id })).body?.at(-1);
    expect(await last("__rng")).toBe("Not allowed to remove this type of device from the VM: rng");
    expect(await last("__serial")).toBe("Could not find the node in the device tree");
    expect(await last("_disk1")).toBeUndefined();
    expect(await last("_disk1")).toBe("Failed to find device corresponding to the given identifier: _disk1");
  });
  test("before boot an unknown device is named", async () => {
    const { call } = start();
    await call("PUT", "vm.create", vm());
    expect((await call("PUT", "vm.remove-device", { id: "x" })).body).toEqual([
      "Error from API",
      "The device could not be removed from the VM",
      'No device with id "x" to remove',
    ]);
  });
  test("disk sizes are whole sectors", async () => {
    const { call } = await booted();
    expect((await call("PUT", "vm.resize-disk", { id: "_disk0", desired_size: 100 })).body.slice(-2)).toEqual([
      "Disk resize error",
      "Disk image size is not a multiple of 512",
    ]);
  });
});

describe("sizes", () => {
  const GIB = 1024 ** 3;
  const sized = () => booted(vm({ cpus: { boot_vcpus: 2, max_vcpus: 4 }, memory: { size: GIB, hotplug_size: GIB } }));
  test("CPUs that the guest has not given back block the next change", async () => {
    const { call } = await sized();
    expect((await call("PUT", "vm.resize", { desired_vcpus: 0 })).body.at(-1)).toBe("Requested zero vCPUs");
    expect((await call("PUT", "vm.resize", { desired_vcpus: 1 })).status).toBe(204);
    expect(await call("PUT", "vm.resize", { desired_vcpus: 3 })).toEqual({ status: 429, body: ["Too Many Requests"] });
  });
  test("memory grows within its reserve and remembers smaller sizes", async () => {
    const { call } = await sized();
    expect((await call("PUT", "vm.resize", { desired_ram: 3 * GIB })).body.at(-1)).toBe("Not enough space in the hotplug RAM region");
    expect((await call("PUT", "vm.resize", { desired_ram: 2 * GIB })).status).toBe(204);
    expect((await call("PUT", "vm.resize", { desired_ram: GIB })).status).toBe(204);
    expect((await call("GET", "vm.info")).body.memory_actual_size).toBe(GIB);
  });
  test("a balloon must be there", async () => {
    const { call } = await sized();
    expect((await call("PUT", "vm.resize", { desired_balloon: 1 })).body.at(-1)).toBe("Missing virtio-balloon, can't proceed as expected");
  });
});

describe("life", () => {
  test("a console that cannot be opened leaves the configuration stored", async () => {
    const { call } = start();
    const answer = await call("PUT", "vm.create", vm({ serial: { mode: "File", file: "/none/x" } }));
    expect(answer.body.slice(2)).toEqual([
      "Error creating console devices",
      "Error creating console device",
      "No such file or directory (os error 2)",
    ]);
    expect((await call("GET", "vm.info")).status).toBe(200);
  });
  test("snapshots go into a folder, and only of a paused VM", async () => {
    const { call, events } = await booted();
    await call("PUT", "vm.pause");
    expect((await call("PUT", "vm.snapshot", { destination_url: "/snap" })).body.at(-1)).toBe("Could not extract path from URL: /snap");
    expect((await call("PUT", "vm.snapshot", { destination_url: "file:///x" })).body.at(-1)).toBe('Destination is not a directory: "/x"');
    expect((await call("PUT", "vm.snapshot", { destination_url: "file:///snap" })).status).toBe(204);
    expect(events).toContain("snapshotted");
  });
});
