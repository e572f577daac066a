/** Devices that come and go: ids, slots, windows, and the words of every refusal. */
import { describe, expect, test } from "vitest";
import { booted, disk, start, vm } from "./session.fixture.ts";

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
  test.each([
    ["/full", "Raw", ["I/O error", "Resize failed", "No space left on device (os error 28)"]],
    ["/x", "Vhdx", ["Unsupported feature (op=resize)", "Resize failed", "resize not supported for VHDX"]],
  ])("a disk that cannot be resized: %s", async (path, image_type, chain) => {
    const { call } = await booted(vm({ disks: [{ path, image_type, id: "d" }] }));
    expect(await call("PUT", "vm.resize-disk", { id: "d", desired_size: 1024 })).toEqual({
      status: 500,
      body: [
        "Error from API",
        "The disk could not be resized",
        "Error from device manager",
        "Disk resize error",
        "Disk resize failed",
        ...chain,
      ],
    });
  });
  test("disk sizes are whole sectors", async () => {
    const { call } = await booted();
    expect((await call("PUT", "vm.resize-disk", { id: "_disk0", desired_size: 100 })).body.slice(-2)).toEqual([
      "Disk resize error",
      "Disk image size is not a multiple of 512",
    ]);
  });
});
