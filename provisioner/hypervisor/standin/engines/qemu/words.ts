/** From a VmConfig to QEMU's command line. Pure. */
import { shortHash } from "../../../../model/names.ts";
import type { DiskConfig, ImageType, NetConfig } from "../../config/devices.ts";
import type { VmConfig } from "../../config/vm.ts";

export const QEMU = "qemu-system-x86_64";

/** Empty slots for disks that come while the guest runs. */
export const HOT_PORTS = ["hot0", "hot1", "hot2", "hot3"] as const;
const MEMORY_SLOTS = 8;

const FORMATS: Readonly<Record<ImageType, string>> = { Raw: "raw", Unknown: "raw", Qcow2: "qcow2", FixedVhd: "vpc", Vhdx: "vhdx" };

/** QEMU's name of a device: its own ids begin with a letter and are short. */
export const qemuId = (id: string | undefined): string => `d${shortHash(id ?? "", 12)}`;

export const blockNode = (disk: DiskConfig) => ({
  driver: FORMATS[disk.image_type],
  "node-name": qemuId(disk.id),
  "read-only": disk.readonly,
  discard: "unmap",
  file: { driver: "file", filename: disk.path ?? "" },
});

export const blockDevice = (disk: DiskConfig, bus?: string) => ({
  driver: "virtio-blk-pci",
  id: qemuId(disk.id),
  drive: qemuId(disk.id),
  ...(disk.serial === undefined ? {} : { serial: disk.serial }),
  ...(bus === undefined ? {} : { bus }),
});

const kibibytes = (bytes: number): string => `${Math.floor(bytes / 1024)}K`;

const memoryWord = ({ size, hotplug_size: more }: VmConfig["memory"]): string =>
  more === undefined || more === 0
    ? `size=${kibibytes(size)}`
    : `size=${kibibytes(size)},slots=${MEMORY_SLOTS},maxmem=${kibibytes(size + more)}`;

const diskWords = (disk: DiskConfig): readonly string[] => [
  "-blockdev",
  JSON.stringify(blockNode(disk)),
  "-device",
  JSON.stringify(blockDevice(disk)),
];

/** QEMU ends a value at a comma that is not doubled. */
const value = (text: string): string => text.replaceAll(",", ",,");

const netWords = (net: NetConfig): readonly string[] =>
  net.tap === undefined
    ? []
    : [
        "-netdev",
        `tap,id=${qemuId(net.id)},ifname=${value(net.tap)},script=no,downscript=no`,
        "-device",
        JSON.stringify({ driver: "virtio-net-pci", netdev: qemuId(net.id), mac: net.mac, romfile: "" }),
      ];

const payloadWords = ({ payload }: VmConfig): readonly string[] => [
  ...(payload?.kernel === undefined ? [] : ["-kernel", payload.kernel]),
  ...(payload?.initramfs === undefined ? [] : ["-initrd", payload.initramfs]),
  ...(payload?.kernel === undefined || payload.cmdline === undefined ? [] : ["-append", payload.cmdline]),
  ...(payload?.firmware === undefined ? [] : ["-bios", payload.firmware]),
];

/** A processor without the extensions whose drivers test themselves at length. */
const PROCESSOR = "Nehalem,-vme,-x2apic";

/** QMP, on descriptor 3, starts the guest and says why it ended; a reset ends it too. The serial port is standard output. */
const FIXED: readonly string[] = [
  "-S -nodefaults -no-user-config -no-reboot -display none -machine q35,smbus=off,sata=off,usb=off,vmport=off",
  `-accel tcg,thread=multi,tb-size=256 -cpu ${PROCESSOR} -object rng-random,id=rng0,filename=/dev/urandom`,
  "-chardev stdio,id=serial0,signal=off -chardev socket,id=qmp,fd=3 -mon chardev=qmp,mode=control",
  "-sandbox on,elevateprivileges=deny,spawn=deny",
].flatMap((line) => line.split(" "));

export const qemuWords = (config: VmConfig, name: string): readonly string[] => [
  "-name",
  `guest=${name}`,
  ...FIXED,
  "-smp",
  `cpus=${config.cpus.boot_vcpus},maxcpus=${config.cpus.max_vcpus},sockets=${config.cpus.max_vcpus},cores=1,threads=1`,
  "-m",
  memoryWord(config.memory),
  ...payloadWords(config),
  // Disks come first: a guest names them by their order.
  ...(config.disks ?? []).flatMap(diskWords),
  ...(config.net ?? []).flatMap(netWords),
  "-device",
  "virtio-rng-pci,rng=rng0",
  ...HOT_PORTS.flatMap((port, index) => ["-device", `pcie-root-port,id=${port},chassis=${index + 1}`]),
  "-serial",
  config.serial.mode === "Off" ? "none" : "chardev:serial0",
];
