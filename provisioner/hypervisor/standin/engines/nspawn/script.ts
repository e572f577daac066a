/** The script that becomes process 1 of the guest's own process, mount and network world. Pure. */
import { quoteWord } from "../../../../transport/sh.ts";

export type GuestDisk = { readonly path: string; readonly serial: string | undefined; readonly readonly: boolean };

export type GuestPlan = {
  readonly machine: string;
  readonly hostname: string;
  readonly rootImage: string;
  /** Where the root disk is mounted, seen by the guest's processes alone. */
  readonly mountPoint: string;
  readonly disks: readonly GuestDisk[];
  /** An ISO image with cloud-init's files. */
  readonly seed: string | undefined;
  readonly network: { readonly veth: string; readonly bridge: string | undefined; readonly mac: string } | undefined;
  readonly cgroups: readonly string[];
  /** True where the host's limits are v1 groups: the guest's own v2 tree then needs a place apart from other guests'. */
  readonly ownTree: boolean;
  /** Words of the kernel's command line that systemd reads. */
  readonly words: readonly string[];
};

const renderDisk = ({ path, serial, readonly }: GuestDisk): string =>
  `attach ${quoteWord(path)} ${quoteWord(serial === undefined ? "" : `virtio-${serial}`)}${readonly ? " --read-only" : ""}`;

const renderNetwork = ({ veth, bridge, mac }: NonNullable<GuestPlan["network"]>): string =>
  [
    `ip link delete dev ${quoteWord(veth)} 2>/dev/null || true`,
    `ip link add name ${quoteWord(veth)} type veth peer name eth0 address ${quoteWord(mac)} netns "$world"`,
    ...(bridge === undefined ? [] : [`ip link set dev ${quoteWord(veth)} master ${quoteWord(bridge)}`]),
    `ip link set dev ${quoteWord(veth)} up`,
  ].join("\n");

const renderSeed = (seed: string): string =>
  [
    'rm -rf "$root/var/lib/cloud/seed/nocloud"',
    'mkdir -p "$root/var/lib/cloud/seed"',
    `xorriso -report_about FAILURE -osirrox on -indev ${quoteWord(seed)} -extract / "$root/var/lib/cloud/seed/nocloud"`,
    'chmod -R u+rwX,go-rwx "$root/var/lib/cloud/seed"',
  ].join("\n");

const renderOwnTree = (machine: string): string =>
  [
    'mount -t cgroup2 cgroup2 "$root"',
    `mkdir -p "$root"/croft/${quoteWord(machine)}`,
    `echo 0 > "$root"/croft/${quoteWord(machine)}/cgroup.procs`,
    'umount "$root"',
  ].join("\n");

/**
 * Descriptor 3 gets `ready` when the guest is about to start. A data disk's loop device is held by
 * a process of this world and cleared by the kernel when the last one ends.
 */
export const renderGuestScript = (plan: GuestPlan): string => `set -eu
for group in ${plan.cgroups.map(quoteWord).join(" ")}; do echo 0 > "$group/cgroup.procs"; done
root=${quoteWord(plan.mountPoint)}
mkdir -p "$root" /run/systemd/nspawn
${plan.ownTree ? renderOwnTree(plan.machine) : ""}
binds=
attach() {
  loop=$(losetup --find --show \${3:-} "$1")
  sleep infinity < "$loop" 3>&- &
  for wait in 1 2 3 4 5 6 7 8 9 10; do [ "$(readlink "/proc/$!/fd/0")" = "$loop" ] && break; sleep 0.01; done
  losetup --detach "$loop"
  [ -z "$2" ] || binds="$binds --bind=$loop:/dev/disk/by-id/$2"
}
${plan.disks.map(renderDisk).join("\n")}
unshare --net sleep infinity 3>&- &
world=$!
until [ "$(readlink "/proc/$world/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.005; done
nsenter --target "$world" --net ip link set dev lo up
${plan.network === undefined ? "" : renderNetwork(plan.network)}
mount -o loop ${quoteWord(plan.rootImage)} "$root"
mount -t tmpfs tmpfs /run/systemd/nspawn
${plan.seed === undefined ? "" : renderSeed(plan.seed)}
echo ready >&3
exec 3>&-
code=0
# Entered before systemd-nspawn runs, so that the guest's /sys shows its own interfaces.
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 nsenter --target "$world" --net systemd-nspawn --quiet --boot --register=no --keep-unit --console=read-only \\
  --directory="$root" --machine=${quoteWord(plan.machine)} --hostname=${quoteWord(plan.hostname)} \\
  --capability=CAP_NET_ADMIN --network-namespace-path="/proc/$world/ns/net" $binds \\
  ${plan.words.map(quoteWord).join(" ")} || code=$?
exit "$code"
`;
