/** Facts about this host, gathered without changing it. What cannot be read is left out, never guessed. */
import { lookup } from "node:dns/promises";
import { accessSync, constants, existsSync } from "node:fs";
import { readFile, readdir, statfs } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import { tableName } from "../model/names.ts";
import type { Roots } from "../model/names.ts";
import { sh } from "../transport/sh.ts";
import type { Shell } from "../transport/shell.ts";
import { hasKvmFlags, isSystemd, missingPackages } from "./bootstrap.ts";
import type { HostFacts, Leftover, Listener, Name, Space } from "./doctor.ts";
import type { KnownSite } from "./ranges.ts";
import { readSites } from "./sites.ts";

const TIMEOUT_MS = 3000;
const ELSEWHERE = "unless a croft with another CROFT_ROOT runs here: ";
const text = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");

/** Free space where a folder is or will be. */
const spaceAt = async (path: string): Promise<Space> => {
  let place = path;
  while (!existsSync(place)) place = dirname(place);
  const found = await statfs(place);
  return { path, freeBytes: found.bavail * found.bsize };
};

const isLoopback = (hex: string): boolean => (hex.length === 8 ? hex.endsWith("7F") : /^0{24}01000000$|^0{16}FFFF0000.{6}7F$/.test(hex));

/** Sockets of `/proc/net/tcp` that listen to others than this host. Pure. */
export const parseListeners = (lines: string): readonly Listener[] =>
  lines
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === "0A")
    .map(([, local = ""]) => local.split(":"))
    .filter(([address = ""]) => !isLoopback(address))
    .map(([address = "", port = ""]) => ({
      port: Number.parseInt(port, 16),
      address: /^0+$/.test(address) ? "every address" : "one address",
    }));

const memoryOf = (meminfo: string): HostFacts["memory"] => {
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes("MemTotal"), availableBytes: bytes("MemAvailable") };
};

/** The first mirror that apt knows. */
const mirror = async (): Promise<string | undefined> => {
  const folder = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(await readdir(folder).catch(() => [])).map((name) => `${folder}/${name}`)];
  const all = (await Promise.all(files.map(text))).join("\n");
  return /^(?:deb|URIs:)\s.*?(https?:\/\/[^\s/]+\/)/m.exec(all)?.[1];
};

/** Its Date header against this clock; nothing where it does not answer. */
const askClock = async (): Promise<Pick<HostFacts["clock"], "skewSeconds" | "asked">> => {
  const url = await mirror();
  if (url === undefined) return {};
  const before = Date.now();
  const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined);
  const there = Date.parse(answer?.headers.get("date") ?? "");
  if (Number.isNaN(there)) return {};
  return { skewSeconds: Math.round(((before + Date.now()) / 2 - there) / 1000), asked: new URL(url).host };
};

const askNtp = async (shell: Shell): Promise<Pick<HostFacts["clock"], "synchronized">> => {
  if (!isSystemd()) return {};
  const { ok, stdout } = await shell.run(sh`timedatectl show --property=NTPSynchronized --value`);
  return ok ? { synchronized: stdout.trim() === "yes" } : {};
};

/** Interfaces and tables with croft's names whose site has no state here. */
const findLeftovers = async (shell: Shell, sites: readonly KnownSite[], folder: string): Promise<readonly Leftover[]> => {
  const names = (await readdir("/sys/class/net").catch(() => [])).filter((name) => /^cr[bt][0-9a-f]{10}$/.test(name));
  const links = await Promise.all(
    names.map(async (name) => ({ name, id: (await text(`/sys/class/net/${name}/ifalias`)).trim().split(":")[1] ?? "" })),
  );
  const known = new Set(sites.map(({ siteId }) => siteId));
  const tables = new Set(sites.map(tableName));
  const { stdout } = await shell.run(sh`nft list tables 2>/dev/null || true`);
  const strange = [...stdout.matchAll(/^table inet (croft_[0-9a-f]{10})$/gm)]
    .map(([, table = ""]) => table)
    .filter((table) => !tables.has(table));
  return [
    ...links
      .filter(({ id }) => !known.has(id))
      .map(({ name }) => ({
        what: `the interface ${name} belongs to no site kept in ${folder}`,
        fix: `${ELSEWHERE}ip link delete ${name}`,
      })),
    ...strange.map((table) => ({
      what: `the firewall table ${table} belongs to no site kept in ${folder}`,
      fix: `${ELSEWHERE}nft delete table inet ${table}`,
    })),
  ];
};

/** Addresses a name has here, by /etc/hosts and DNS. */
export const resolveName = async (name: string): Promise<Name> => {
  const late = new Promise<readonly { address: string }[]>((resolve) => setTimeout(resolve, TIMEOUT_MS, []).unref());
  const found = await Promise.race([lookup(name, { all: true, family: 4 }).catch(() => []), late]);
  return { name, addresses: found.map(({ address }) => address) };
};

const hasDevice = (): boolean => {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

type Tools = {
  readonly shell: Shell;
  readonly roots: Roots;
  readonly hypervisor: string;
  readonly standIn: boolean;
  /** Images hold a kernel. */
  readonly bootable: boolean;
};

export const gatherFacts = async ({ shell, roots, hypervisor, standIn, bootable }: Tools): Promise<HostFacts> => {
  const isRoot = process.getuid?.() === 0;
  const sites = await readSites(roots);
  const [state, cache, flags, meminfo, tcp, ntp, skew, leftovers] = await Promise.all([
    spaceAt(roots.state),
    spaceAt(roots.cache),
    hasKvmFlags(),
    text("/proc/meminfo"),
    Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map(text)),
    askNtp(shell),
    askClock(),
    isRoot ? findLeftovers(shell, sites, roots.state) : undefined,
  ]);
  return {
    root: isRoot,
    node: process.versions.node,
    hypervisor,
    standIn,
    systemd: isSystemd(),
    kvm: { flags, device: hasDevice(), architecture: process.arch },
    state,
    cache,
    memory: memoryOf(meminfo),
    missing: missingPackages({ standIn, bootable }),
    listeners: parseListeners(tcp.join("\n")),
    clock: { ...ntp, ...skew },
    addresses: Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
    sites,
    leftovers,
  };
};
