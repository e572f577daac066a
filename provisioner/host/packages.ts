/** Programs of the host that croft uses rather than writing its own: what is missing, and why it is needed. Pure. */

export type HostPackage = { readonly package: string; readonly program: string; readonly why: string };

const ALWAYS: readonly HostPackage[] = [
  { package: "mmdebstrap", program: "mmdebstrap", why: "builds machine images" },
  { package: "e2fsprogs", program: "mke2fs", why: "makes file systems of images and data disks" },
  { package: "xorriso", program: "xorriso", why: "writes the machines' seed images" },
  { package: "nftables", program: "nft", why: "keeps undeclared traffic from and to machines out" },
  { package: "iproute2", program: "ip", why: "makes bridges and taps" },
  { package: "curl", program: "curl", why: "starts machines through the hypervisor's API after a reboot" },
  { package: "util-linux", program: "flock", why: "holds the site's lock" },
];

/** What runs machines: `bootable` ones have a kernel of their own. */
export type Runner = { readonly standIn: boolean; readonly bootable: boolean };

const CONTAINERS: HostPackage = { package: "systemd-container", program: "systemd-nspawn", why: "runs machines where no KVM is usable" };
const EMULATION: HostPackage = {
  package: "qemu-system-x86",
  program: "qemu-system-x86_64",
  why: "emulates machines (CROFT_VMM_ENGINE=qemu)",
};

export const hostPackages = ({ standIn, bootable }: Runner): readonly HostPackage[] => [
  ...ALWAYS,
  ...(standIn ? [bootable ? EMULATION : CONTAINERS] : []),
];

/** What people read before anything is installed. */
export const renderMissing = (missing: readonly HostPackage[]): string =>
  [
    `This host lacks ${missing.length} package${missing.length === 1 ? "" : "s"} that croft needs:`,
    ...missing.map(({ package: name, why }) => `  ${name.padEnd(20)} ${why}`),
  ].join("\n");
