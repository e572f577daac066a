/** A host of its own to run croft on: Debian with systemd as PID 1 and an SSH server, in a container that may carry machines. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { findMirror } from "../../images/build.ts";
import { installPackages, missingPackages } from "../../provisioner/host/bootstrap.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";
import { keyFingerprint, makeKeyPair } from "../../provisioner/transport/ssh.ts";
import { PROJECT, croft, mustCroft, program } from "./croft.ts";
import type { Outcome } from "./croft.ts";

const PACKAGES = [
  ..."systemd systemd-sysv dbus udev openssh-server systemd-container mmdebstrap nftables xorriso".split(" "),
  ..."iproute2 e2fsprogs curl util-linux mount ca-certificates procps".split(" "),
];
const NAME = "croft-test-host";
const FOLDER = `/tmp/${NAME}`;
const LINK = "crtesthost";
const NEAR = "10.98.7.1";
const FAR = "10.98.7.2";
const TREES = "/var/cache/croft/test";
const SHARED = ["/var/cache/croft/images", "/var/cache/croft/artifacts"];
/** Loop devices are the kernel's own and have the same numbers everywhere. */
const LOOPS = 64;

/** What the host gets from this computer, which alone reaches Debian: programs to make it with, and the image of the machine of `site`. */
const prepare = async (site: string): Promise<void> => {
  const missing = missingPackages({ standIn: true, bootable: false });
  if (missing.length > 0) await installPackages(makeLocalShell(), missing, () => {});
  await croft(["destroy", "--purge", site]);
  if ((await mustCroft("plan", site)).out.includes("+ image/")) {
    await mustCroft("up", site);
    await mustCroft("destroy", "--purge", site);
  }
  SHARED.forEach((folder) => mkdirSync(folder, { recursive: true, mode: 0o700 }));
};

/** The host's pristine tree, made once. */
const findTree = async (): Promise<string> => {
  const id = createHash("sha256").update(JSON.stringify(PACKAGES)).digest("hex").slice(0, 12);
  const tree = join(TREES, `host-${id}`);
  if (existsSync(tree)) return tree;
  const { main } = await findMirror(makeLocalShell());
  rmSync(`${tree}.new`, { recursive: true, force: true });
  await program(
    `mmdebstrap --mode=root --variant=minbase --aptopt='APT::Sandbox::User "root"' --dpkgopt='path-exclude=/usr/share/doc/*' --include=${PACKAGES.join(",")} trixie ${tree}.new ${main} 2>&1`,
  );
  renameSync(`${tree}.new`, tree);
  return tree;
};

export const user = makeKeyPair("laptop");
export type HostKey = ReturnType<typeof makeKeyPair>;
export const fingerprintOf = (key: HostKey): string => keyFingerprint(key.publicKey);

const root = `${FOLDER}/root`;
let running: ChildProcess | undefined;

const write = (path: string, text: string, mode: number): void => {
  mkdirSync(join(root, path, ".."), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, path), text, { mode });
};

/** The host's SSH key, as after an installation. */
export const writeHostKey = (key: HostKey): void => {
  rmSync(join(root, "etc/ssh/ssh_host_ed25519_key"), { force: true });
  write("etc/ssh/ssh_host_ed25519_key", key.privateKey, 0o600);
};

/** Installs the host, which will carry `site`; what an earlier one left is gone. */
export const installHost = async (key: HostKey, site: string): Promise<void> => {
  await prepare(site);
  const tree = await findTree();
  await removeHost();
  ["root", "upper", "work"].forEach((name) => mkdirSync(join(FOLDER, name), { recursive: true }));
  await program(`mount -t overlay overlay -o lowerdir=${tree},upperdir=${FOLDER}/upper,workdir=${FOLDER}/work ${root}`);
  await program(`rm -f ${root}/etc/ssh/ssh_host_*`);
  writeHostKey(key);
  write("root/.ssh/authorized_keys", `${user.publicKey}\n`, 0o600);
  write("etc/hostname", "metal1\n", 0o644);
  write(
    "etc/tmpfiles.d/loop.conf",
    Array.from({ length: LOOPS }, (_, index) => `b /dev/loop${index} 0660 root disk - 7:${index}\n`).join(""),
    0o644,
  );
};

/** Its control groups are apart from those of this computer. */
const BOOT = `set -eu
for tree in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
  [ -e $tree/cgroup.procs ] || continue
  mkdir -p $tree/${NAME}; echo $$ > $tree/${NAME}/cgroup.procs
done
ip netns add ${NAME}
ip link add ${LINK} type veth peer name eth0 netns ${NAME}
ip address add ${NEAR}/24 dev ${LINK}; ip link set ${LINK} up
ip route add blackhole 10.98.7.0/24 metric 4294967295
ip -n ${NAME} address add ${FAR}/24 dev eth0; ip -n ${NAME} link set eth0 up; ip -n ${NAME} link set lo up
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec unshare --fork --pid --mount-proc --kill-child=KILL systemd-nspawn --boot --register=no --keep-unit --directory=${root} --machine=${NAME} \\
  --capability=all --network-namespace-path=/run/netns/${NAME} --bind=/dev/loop-control --bind=/dev/net/tun \\
  ${SHARED.map((folder) => `--bind=${folder}`).join(" ")}
`;

/** Whether an SSH server greets. */
const greets = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: FAR, port: 22 }, () => {});
    const end = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once("data", () => end(true)).once("error", () => end(false));
    socket.setTimeout(1000, () => end(false));
  });

export const bootHost = async (): Promise<void> => {
  running = spawn("sh", ["-c", BOOT], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  running.stdout?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  running.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  for (let tries = 0; tries < 150; tries += 1) {
    if (await greets()) return;
    if (running.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const journal = await program(`journalctl --no-pager -D ${root}/var/log/journal -u ssh | tail -20`).catch(String);
  throw new Error(`the test host does not greet\n${said}\n${journal}`);
};

/** Pulls the host's plug; its disk stays. */
export const unplugHost = async (): Promise<void> => {
  const child = running;
  running = undefined;
  if (child !== undefined && child.exitCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(child.pid ?? 0, "SIGKILL");
    await ended;
  }
  await program(
    `ip link delete ${LINK} 2>/dev/null; ip route delete blackhole 10.98.7.0/24 metric 4294967295 2>/dev/null; ip netns delete ${NAME} 2>/dev/null; true`,
  );
  await program(
    `for try in 1 2 3 4 5 6 7 8 9 10; do for tree in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do [ ! -d $tree/${NAME} ] || find $tree/${NAME} -depth -type d -exec rmdir {} + 2>/dev/null; done; find /sys/fs/cgroup -maxdepth 2 -name ${NAME} | grep -q . || exit 0; sleep 0.3; done; true`,
  );
};

export const removeHost = async (): Promise<void> => {
  await unplugHost();
  await program(`if mountpoint -q ${root}; then umount ${root} || { sleep 1; umount ${root}; }; fi; rm -rf ${FOLDER}`);
};

/** A command on the host, by this computer's own SSH program. */
export const onHost = (command: string): Promise<string> => {
  const key = `${FOLDER}/user`;
  writeFileSync(key, user.privateKey, { mode: 0o600 });
  return program(
    `ssh -q -i ${key} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@${FAR} '${command.replaceAll("'", `'\\''`)}'`,
  );
};

export type Wire = { readonly port: number; readonly cut: () => void; readonly close: () => void };

/** A way to the host that can be cut. */
export const openWire = (): Promise<Wire> =>
  new Promise((resolve) => {
    const open = new Set<() => void>();
    const server = createServer((near) => {
      const far = connect(22, FAR);
      const end = (): void => {
        near.destroy();
        far.destroy();
        open.delete(end);
      };
      open.add(end);
      [near, far].forEach((socket) => socket.on("error", end).on("close", end));
      near.pipe(far);
      far.pipe(near);
    });
    const cut = (): void => [...open].forEach((end) => end());
    const close = (): void => {
      cut();
      server.close();
    };
    server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as { port: number }).port, cut, close }));
  });

/** Another computer: croft, a key, a folder with the site, and nothing else. */
export const laptop = {
  home: `${FOLDER}-laptop`,
  make: (): void => {
    rmSync(laptop.home, { recursive: true, force: true });
    mkdirSync(join(laptop.home, ".ssh"), { recursive: true, mode: 0o700 });
    writeFileSync(join(laptop.home, ".ssh", "id_ed25519"), user.privateKey, { mode: 0o600 });
  },
  remove: (): void => rmSync(laptop.home, { recursive: true, force: true }),
  pins: (): string => readFileSync(join(laptop.home, ".config", "croft", "known_hosts"), "utf8"),
  croft: (words: readonly string[], heard: (text: string, child: ChildProcess) => void = () => {}): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      const child = spawn(process.execPath, [join(PROJECT, "bin", "croft"), ...words], {
        cwd: laptop.home,
        env: { PATH: process.env["PATH"], HOME: laptop.home, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const said = { out: "", err: "" };
      child.stdout.on("data", (chunk: Buffer) => heard((said.out += chunk.toString()), child));
      child.stderr.on("data", (chunk: Buffer) => heard((said.err += chunk.toString()), child));
      child.once("error", reject);
      child.once("close", (code, signal) =>
        resolve({ ...said, code: code ?? 128, signal: signal ?? undefined, durationMs: performance.now() - started }),
      );
    }),
};
