/** Rules beyond the recording: bodies, configurations, and the life of a VM. */
import { describe, expect, test } from "vitest";
import { booted, disk, start, vm } from "./session.fixture.ts";

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
