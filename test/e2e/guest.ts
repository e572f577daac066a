/** For tests: a guest of the stand-in on a bridge of its own, with an image from croft's cache or built into it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findArtifactTools } from "../../bin/platform.ts";
import { buildImage, imageExists, rootFile } from "../../images/build.ts";
import { makeRecipe, recipeId } from "../../images/recipe.ts";
import { ensureArtifact } from "../../provisioner/artifacts/fetch.ts";
import { EMPTY_LOCK } from "../../provisioner/artifacts/lock-file.ts";
import { digestWord } from "../../provisioner/artifacts/pins.ts";
import { makeClient } from "../../provisioner/hypervisor/client.ts";
import { ensureCgroups } from "../../provisioner/hypervisor/standin/engines/nspawn/cgroups.ts";
import { findGuestInit } from "../../provisioner/hypervisor/standin/engines/nspawn/facts.ts";
import { makeFolder, startProgram } from "../../provisioner/hypervisor/standin/harness.ts";
import type { VmConfig } from "../../provisioner/hypervisor/types.ts";
import { DEFAULT_ROOTS, cachePaths, guestName, vethName } from "../../provisioner/model/names.ts";
import { makeLocalShell } from "../../provisioner/transport/local.ts";

export const MEBIBYTE = 1024 * 1024;
const [BRIDGE, TAP, GUEST] = ["crtestbr0", "crtesttap0", "10.213.79.11"];
/** The host on the guest's network. */
export const HOST = "10.213.79.1";
const SECOND = 1000;

export const run = (command: string): string => execFileSync("sh", ["-c", command], { encoding: "utf8" });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const until = async (what: () => boolean, seconds: number): Promise<void> => {
  const end = performance.now() + seconds * SECOND;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not in ${seconds} s: ${String(what)}`);
    await wait(50);
  }
};

/** The image that the smallest example runs on, so that it is built once for all tests. */
export const findImage = async (): Promise<string> => {
  const cache = cachePaths();
  const artifacts = await findArtifactTools(DEFAULT_ROOTS, process.env, EMPTY_LOCK);
  const { architecture } = artifacts.pins;
  const digestOf = (name: string): string => digestWord(artifacts.pins, name);
  const shell = makeLocalShell();
  const recipe = makeRecipe({ roles: ["gateway"], architecture, kernel: false, update: 0, digestOf });
  const id = recipeId(recipe);
  const artifactFile = (artifact: string): Promise<string> => ensureArtifact(artifacts, artifact);
  if (!(await imageExists(cache.images, id))) await buildImage({ shell, folder: cache.images, artifactFile }, recipe, id, () => {});
  await shell.close();
  return rootFile(cache.images, id);
};

export const openNetwork = (): string =>
  run(
    `ip link add ${BRIDGE} type bridge; ip address add ${HOST}/24 dev ${BRIDGE}; ip link set ${BRIDGE} up; ip tuntap add dev ${TAP} mode tap; ip link set ${TAP} master ${BRIDGE} up`,
  );
export const closeNetwork = (): string => run(`ip link delete ${TAP}; ip link delete ${BRIDGE}`);

export const configOf = (folder: string): VmConfig => ({
  cpus: { boot_vcpus: 1, max_vcpus: 2 },
  memory: { size: 512 * MEBIBYTE, hotplug_size: 512 * MEBIBYTE },
  payload: { kernel: join(folder, "kernel"), cmdline: `root=/dev/vda rw ip=${GUEST}::${HOST}:255.255.255.0:test:eth0:none` },
  disks: [
    { path: join(folder, "guest.raw"), image_type: "Raw", serial: "root" },
    { path: join(folder, "extra.raw"), image_type: "Raw", serial: "data" },
  ],
  net: [{ tap: TAP, mac: "52:00:00:00:79:11" }],
  serial: { mode: "Tty" },
  console: { mode: "Off" },
});

const limitFiles = (folder: string): readonly string[] => [
  `${folder}/memory.limit_in_bytes`,
  `${folder}/memory.max`,
  `${folder}/cpu.cfs_quota_us`,
  `${folder}/cpu.max`,
];

/** Numbers of the limit files that this host has: memory, then time of CPUs. */
export const limitsOf = (folders: readonly string[]): readonly string[] =>
  folders
    .flatMap(limitFiles)
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, "utf8").trim().split(" ")[0] ?? "");

export type TestGuest = Awaited<ReturnType<typeof createGuest>>;

/** Created and not yet booted. */
export const createGuest = async (image: string, args: readonly string[] = []) => {
  const folder = makeFolder();
  run(`cp --sparse=always --reflink=auto '${image}' ${folder}/guest.raw`);
  const program = await startProgram(folder, ["--engine", "nspawn", ...args]);
  const client = makeClient(program.socket);
  const groups = () => ensureCgroups(guestName(program.socket));
  await client.create(configOf(folder));
  const init = (): number | undefined => findGuestInit(groups().processes());
  /** Runs as a service of the guest, inside its limits. */
  const inGuest = (command: string): string =>
    run(
      `nsenter --target ${init() ?? "none"} --all systemd-run --quiet --wait --pipe --collect -- sh -c '${command.replaceAll("'", `'\\''`)}' 2>&1`,
    );
  return {
    folder,
    program,
    client,
    init,
    inGuest,
    isUp: (): boolean => {
      try {
        return inGuest("systemctl is-active sysinit.target && ip -4 -br address show eth0").includes(GUEST ?? "");
      } catch {
        return false;
      }
    },
    limits: (): readonly string[] => limitsOf(groups().folders),
    /** Names of what happened, oldest first. */
    events: (): readonly string[] => program.readEvents().map(({ source, event }) => `${source} ${event}`),
    /** Nothing of the guest is on this host: no loop device, no mount, no interface. */
    isGone: (): boolean => !run("losetup -a; cat /proc/mounts").includes(folder) && !existsSync(`/sys/class/net/${vethName(TAP ?? "")}`),
    clean: async (): Promise<void> => {
      client.close();
      await program.clean();
    },
  };
};
