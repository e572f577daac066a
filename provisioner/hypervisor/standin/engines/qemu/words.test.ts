import { expect, test } from "vitest";
import { vm } from "../../config/vm.ts";
import { readBody } from "../../json/record.ts";
import { qemuWords } from "./words.ts";

const configOf = (parts: object) =>
  readBody(
    vm,
    Buffer.from(
      JSON.stringify({
        cpus: { boot_vcpus: 1, max_vcpus: 2 },
        memory: { size: 536_870_912 },
        payload: { kernel: "/k", initramfs: "/i", cmdline: "root=/dev/vda ip=10.0.0.2::10.0.0.1" },
        serial: { mode: "Tty" },
        ...parts,
      }),
    ),
  );

const after = (words: readonly string[], option: string): readonly string[] =>
  words.flatMap((word, index) => (words[index - 1] === option ? [word] : []));

test("kernel, initrd and command line go in as they are", () => {
  const words = qemuWords(configOf({}), "guest1");
  expect([...after(words, "-kernel"), ...after(words, "-initrd"), ...after(words, "-append")]).toEqual([
    "/k",
    "/i",
    "root=/dev/vda ip=10.0.0.2::10.0.0.1",
  ]);
  expect(after(words, "-smp")).toEqual(["cpus=1,maxcpus=2,sockets=2,cores=1,threads=1"]);
  expect(after(words, "-m")).toEqual(["size=524288K"]);
  expect(after(words, "-name")).toEqual(["guest=guest1"]);
});

test("disks keep their order, serial and mode, whatever is in their paths", () => {
  const disks = [
    { path: "/a,b=c.raw", image_type: "Raw", serial: "root", id: "one" },
    { path: "/seed.iso", image_type: "Raw", serial: "seed", readonly: true, id: "two" },
  ];
  const words = qemuWords(configOf({ disks }), "guest1");
  const blocks = after(words, "-blockdev").map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(blocks.map((block) => [block["file"], block["read-only"]])).toEqual([
    [{ driver: "file", filename: "/a,b=c.raw" }, false],
    [{ driver: "file", filename: "/seed.iso" }, true],
  ]);
  const devices = after(words, "-device").filter((text) => text.includes("virtio-blk"));
  expect(devices.map((text) => (JSON.parse(text) as { serial: string }).serial)).toEqual(["root", "seed"]);
});

test("a tap's name cannot add options", () => {
  const words = qemuWords(configOf({ net: [{ tap: "t0,script=/x", mac: "52:00:00:00:00:01", id: "net0" }] }), "guest1");
  expect(after(words, "-netdev")[0]).toContain("ifname=t0,,script=/x,script=no,downscript=no");
});

test("room for more memory is made only where it was asked for", () => {
  const words = qemuWords(configOf({ memory: { size: 536_870_912, hotplug_size: 268_435_456 } }), "guest1");
  expect(after(words, "-m")).toEqual(["size=524288K,slots=8,maxmem=786432K"]);
});

test("a serial port that is off is not there", () => {
  expect(after(qemuWords(configOf({ serial: { mode: "Off" } }), "guest1"), "-serial")).toEqual(["none"]);
});
