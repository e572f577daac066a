/** Sizes of CPUs, memory and zones, before boot and after. */
import { describe, expect, test } from "vitest";
import { booted, start, vm } from "./session.fixture.ts";

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

const GIB = 1024 ** 3;
const zones = (more = {}) =>
  vm({ memory: { size: 0, hotplug_method: "VirtioMem", zones: [{ id: "z", size: GIB, hotplug_size: GIB, ...more }] } });
const resized = (...chain: readonly string[]) => ({ status: 500, body: ["Error from API", "The VM could not be resized", ...chain] });
const zoned = (...chain: readonly string[]) => ({
  status: 500,
  body: ["Error from API", "The memory zone could not be resized", ...chain],
});

describe("virtio-mem", () => {
  const virtio = "Failed to update virtio configuration: ResizeError";
  test("grows between boot size and reserve, in whole blocks", async () => {
    const { call } = await booted(vm({ memory: { size: GIB, hotplug_method: "VirtioMem", hotplug_size: GIB } }));
    const ask = (bytes: number) => call("PUT", "vm.resize", { desired_ram: bytes });
    const refused = (why: string) =>
      resized("Memory manager error", "Failed to virtio-mem resize", "Resize invalid argument", `${virtio}(${why})`);
    expect(await ask(GIB / 2)).toEqual(
      resized("Memory manager error", `Invalid resize request: desired_size = ${GIB / 2} below boot size = ${GIB}`),
    );
    expect(await ask(GIB)).toEqual(refused("new size 0x0 and requested_size are identical"));
    expect(await ask(3 * GIB)).toEqual(refused("new size 0x80000000 is bigger than region_size 0x40000000"));
    expect(await ask(GIB + 4096)).toEqual(refused("new size 0x1000 is not aligned on block_size 0x200000"));
    expect((await ask(2 * GIB)).status).toBe(204);
    const { body } = await call("GET", "vm.info");
    expect(body.config.memory).toMatchObject({ size: GIB, hotplugged_size: GIB });
    expect(body.memory_actual_size).toBe(GIB);
  });
});

describe("zones", () => {
  test("before boot a zone's size is only written down", async () => {
    const { call } = start();
    await call("PUT", "vm.create", zones());
    expect((await call("PUT", "vm.resize-zone", { id: "z", desired_ram: 2 * GIB })).status).toBe(204);
    expect((await call("GET", "vm.info")).body.config.memory.zones[0].size).toBe(2 * GIB);
    expect(await call("PUT", "vm.resize-zone", { id: "y", desired_ram: GIB })).toEqual(zoned("Failed resizing a memory zone"));
  });
  test("a running zone grows within its reserve", async () => {
    const { call } = await booted(zones());
    expect((await call("PUT", "vm.resize-zone", { id: "z", desired_ram: GIB + 128 * 1024 * 1024 })).status).toBe(204);
    expect((await call("GET", "vm.info")).body.config.memory.zones[0]).toMatchObject({ size: GIB, hotplugged_size: 128 * 1024 * 1024 });
    expect((await call("PUT", "vm.resize-zone", { id: "z", desired_ram: 1 })).body.at(-1)).toBe(
      `Invalid resize request: desired_size = 1 below boot size = ${GIB}`,
    );
    expect(await call("PUT", "vm.resize", { desired_ram: GIB })).toEqual(
      resized("Memory manager error", "Impossible to resize guest memory if it is backed by user defined memory regions"),
    );
  });
  test("without a reserve it cannot", async () => {
    const { call } = await booted(zones({ hotplug_size: undefined }));
    expect(await call("PUT", "vm.resize-zone", { id: "z", desired_ram: 2 * GIB })).toEqual(
      zoned("Memory manager error", "No virtio-mem resizing handler found"),
    );
  });
  test("without a VM there is none", async () => {
    expect(await start().call("PUT", "vm.resize-zone", { id: "z", desired_ram: 1 })).toEqual({
      status: 404,
      body: ["Error from API", "The memory zone could not be resized", "VM is not created"],
    });
  });
});

describe("memory that cannot boot, before any other rule", () => {
  test.each([
    [{ size: 0 }, "No memory zones found"],
    [{ size: GIB, zones: [{ id: "z", size: GIB }] }, "Memory configuration is not valid"],
    [{ size: GIB, hotplug_size: 0 }, "Invalid size for resizing. Can be anything except 0"],
    [{ size: GIB, hotplugged_size: GIB }, "Memory configuration is not valid"],
    [{ size: GIB + 1 }, "Memory size is misaligned with default page size or its hugepage size"],
    [
      { size: 0, zones: [{ id: "z", size: GIB, hotplug_size: GIB }] },
      "Invalid hotplug method associated with memory zones resizing capability",
    ],
  ])("%j", async (memory, message) => {
    const { call } = start();
    await call("PUT", "vm.create", { memory });
    expect(await call("PUT", "vm.boot")).toEqual({
      status: 500,
      body: ["Error from API", "The VM could not boot", "Memory manager error", message],
    });
  });
});
