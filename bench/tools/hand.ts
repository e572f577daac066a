/** A machine booted by hand: the stand-in's recipe for systemd-nspawn as one would type it, with nothing of croft's around it. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { renderSeed } from "../../cloud-init/render.ts";
import { ensureCgroups } from "../../provisioner/hypervisor/standin/engines/nspawn/cgroups.ts";
import type { Cgroups } from "../../provisioner/hypervisor/standin/engines/nspawn/cgroups.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import { makeKeyPair, makeSshShell } from "../../provisioner/transport/ssh.ts";
import { HOST_ADDRESS } from "./site.ts";

/** The name of container, control groups and hostname. */
const NAME = "croft-bench-hand";
const BRIDGE = "crbenchhand";
const VETH = "crvbenchhand";
/** The address a site's only machine has, so that a site's configuration fits this machine too. */
const ADDRESS = "10.93.0.11";
const SUBNET = "10.93.0.0/24";
const FOLDER = "/tmp/croft-bench-hand";
const BOOT_MS = 60_000;
const POLL_MS = 20;

export type HandMachine = {
  readonly shell: Shell;
  readonly address: string;
  readonly privateKey: string;
  readonly hostKey: string;
  /** From the first copied byte of the root disk to the last. */
  readonly copiedMs: number;
  /** To the first command over SSH. */
  readonly sshMs: number;
};

export type HandSize = { readonly cpus: number; readonly memoryBytes: number };

const root = join(FOLDER, "mount");
const rootDisk = join(FOLDER, "root.raw");
const seed = join(FOLDER, "seed");

const ownTree = `
mount -t cgroup2 cgroup2 "$root"
mkdir -p "$root/croft/${NAME}"
echo 0 > "$root/croft/${NAME}/cgroup.procs"
umount "$root"`;

/** Process 1 of the guest's own process, mount and network world. */
const renderScript = (cgroups: Cgroups): string => `set -eu
root=${root}
for group in ${cgroups.folders.join(" ")}; do echo 0 > "$group/cgroup.procs"; done
mkdir -p "$root" /run/systemd/nspawn
${cgroups.ownTree ? ownTree : ""}
unshare --net sleep infinity &
world=$!
until [ "$(readlink "/proc/$world/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.005; done
nsenter --target "$world" --net ip link set dev lo up
ip link add name ${VETH} type veth peer name eth0 address 52:00:00:00:00:11 netns "$world"
ip link set dev ${VETH} master ${BRIDGE} up
mount -o loop ${rootDisk} "$root"
mount -t tmpfs tmpfs /run/systemd/nspawn
mkdir -p "$root/var/lib/cloud/seed"
cp -r ${seed} "$root/var/lib/cloud/seed/nocloud"
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 nsenter --target "$world" --net systemd-nspawn --quiet --boot --register=no --keep-unit --console=read-only \\
  --directory="$root" --machine=${NAME} --hostname=web \\
  --capability=CAP_NET_ADMIN --network-namespace-path="/proc/$world/ns/net" \\
  ip=${ADDRESS}::${HOST_ADDRESS}:255.255.255.0:web:eth0:none
`;

/** The bridge, and behind it a route that keeps packets for a machine that is gone from leaving by the uplink. */
const makeBridge = (local: Shell): Promise<string> =>
  must(
    local,
    "making the bridge",
    sh`ip link add ${BRIDGE} type bridge && ip address add ${`${HOST_ADDRESS}/24`} dev ${BRIDGE} && ip link set ${BRIDGE} up && ip route replace blackhole ${SUBNET} metric 4294967295`,
  );

const removeBridge = (local: Shell): Promise<string> =>
  must(
    local,
    "removing the bridge",
    sh`ip link delete ${VETH} 2>/dev/null; ip link delete ${BRIDGE} 2>/dev/null && ip route delete blackhole ${SUBNET} metric 4294967295 2>/dev/null; true`,
  );

const startGuest = (cgroups: Cgroups): { readonly child: ChildProcess; readonly console: () => string } => {
  const child = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "--fork", "--pid", "--mount-proc", "--kill-child=KILL", "sh", "-c", renderScript(cgroups)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, console: () => text };
};

const until = async <T>(what: string, console: () => string, look: () => Promise<T | undefined>): Promise<T> => {
  const deadline = performance.now() + BOOT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} took longer than ${BOOT_MS} ms\n${console().slice(-2000)}`);
    await sleep(POLL_MS);
  }
};

/** The new key, read from the machine's own disk as soon as it is there: nobody could connect earlier. */
const readHostKey = async (pid: number | undefined): Promise<string | undefined> => {
  const file = join("/proc", String(pid), "root", root, "etc/ssh/ssh_host_ed25519_key.pub");
  const words = (await readFile(file, "utf8").catch(() => "")).trim().split(" ");
  return words.length < 2 ? undefined : words.slice(0, 2).join(" ");
};

/** A connection over which a command ran. */
const tryConnect = async (shell: Shell): Promise<Shell | undefined> => {
  const ran = await shell.run(sh`true`, { timeoutMs: 10_000 }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!ran) await shell.close();
  return ran ? shell : undefined;
};

const stopGuest = async (child: ChildProcess, cgroups: Cgroups): Promise<void> => {
  const ended = new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once("exit", resolve) : resolve(0)));
  child.kill("SIGKILL");
  await ended;
  for (let tries = 0; tries < 500 && cgroups.processes().length > 0; tries += 1) await sleep(POLL_MS);
  cgroups.remove();
};

const writeHandSeed = async (publicKey: string): Promise<void> => {
  const files = renderSeed({ instanceId: randomUUID(), hostname: "web", authorizedKeys: [publicKey] });
  await mkdir(seed, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) await writeFile(join(seed, name), text);
};

/** A machine of its own from `image` while `work` runs; nothing of it stays. */
export const withHandMachine = async <T>(image: string, size: HandSize, work: (machine: HandMachine) => Promise<T>): Promise<T> => {
  const local = makeLocalShell();
  await removeHandLeftovers();
  await makeBridge(local);
  const pair = makeKeyPair("croft-bench");
  const cgroups = ensureCgroups(NAME);
  cgroups.setSize(size.cpus, size.memoryBytes);
  await writeHandSeed(pair.publicKey);
  const started = performance.now();
  await must(local, "copying the root disk", sh`cp --sparse=always --reflink=auto ${image} ${rootDisk}`);
  const copiedMs = performance.now() - started;
  const { child, console } = startGuest(cgroups);
  try {
    const hostKey = await until("a host key", console, () => readHostKey(child.pid));
    const target = { label: NAME, host: ADDRESS, port: 22, user: "root", privateKey: pair.privateKey, connectTimeoutMs: 8000 };
    const shell = await until("SSH", console, () => tryConnect(makeSshShell({ ...target, hostKeys: [hostKey] })));
    const sshMs = performance.now() - started;
    const machine = { shell, address: ADDRESS, privateKey: pair.privateKey, hostKey, copiedMs, sshMs };
    return await work(machine).finally(() => shell.close());
  } finally {
    await stopGuest(child, cgroups);
    await removeHandLeftovers();
    await local.close();
  }
};

/** What is there of a machine that was booted by hand; its processes end with the process that started them. */
export const removeHandLeftovers = async (): Promise<void> => {
  await removeBridge(makeLocalShell());
  await rm(FOLDER, { recursive: true, force: true });
};
