/** What is good and what is not about a host, from facts alone. Pure. */
import { formatBytes } from "../plan/print.ts";
import type { Finding } from "../plan/lint.ts";
import type { HostPackage } from "./packages.ts";
import type { KnownSite } from "./ranges.ts";

export type Level = "ok" | "warning" | "failure";
export type Judged = { readonly check: string; readonly level: Level; readonly reason: string; readonly fix?: string };

export type Space = { readonly path: string; readonly freeBytes: number };
export type Listener = { readonly port: number; readonly address: string };
export type Name = { readonly name: string; readonly addresses: readonly string[] };
/** `fix` removes it. */
export type Leftover = { readonly what: string; readonly fix: string };

export type HostFacts = {
  readonly root: boolean;
  readonly node: string;
  readonly hypervisor: string;
  readonly standIn: boolean;
  readonly systemd: boolean;
  readonly kvm: { readonly flags: boolean; readonly device: boolean; readonly architecture: string };
  readonly state: Space;
  readonly cache: Space;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly missing: readonly HostPackage[];
  readonly listeners: readonly Listener[];
  /** Undefined: nobody could be asked. */
  readonly clock: { readonly synchronized?: boolean; readonly skewSeconds?: number; readonly asked?: string };
  readonly addresses: readonly string[];
  readonly sites: readonly KnownSite[];
  /** Undefined: not root, who alone sees every site's state. */
  readonly leftovers: readonly Leftover[] | undefined;
};

export type SiteFacts = {
  readonly site: string;
  readonly environment: string;
  /** Nothing of it is there yet. */
  readonly isNew: boolean;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly published: readonly number[];
  readonly gateway: string | undefined;
  readonly names: readonly Name[];
  readonly ranges: readonly Finding[];
};

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const RESERVE = 512 * MIB;
const OLDEST_NODE = 24;
const MOST_SKEW_SECONDS = 60;

const ok = (check: string, reason: string): Judged => ({ check, level: "ok", reason });
const warning = (check: string, reason: string, fix?: string): Judged => ({
  check,
  level: "warning",
  reason,
  ...(fix === undefined ? {} : { fix }),
});
const failure = (check: string, reason: string, fix: string): Judged => ({ check, level: "failure", reason, fix });
const size = (bytes: number): string => formatBytes(Math.round((bytes / GIB) * 10) * (GIB / 10));

/** By the CPU's flags: a device alone may be a flavour that boots no stock kernel. */
const judgeKvm = ({ kvm, hypervisor, standIn }: HostFacts): Judged => {
  if (!standIn) return ok("kvm", `usable: machines run on ${hypervisor}`);
  if (kvm.architecture === "arm64") return warning("kvm", "no /dev/kvm: machines run on the stand-in, not for production");
  if (kvm.flags && !kvm.device)
    return warning("kvm", "the CPU has it, /dev/kvm is not there: machines run on the stand-in", "modprobe -a kvm_intel kvm_amd");
  const device = kvm.device ? " (there is a /dev/kvm, which does not count without them)" : "";
  if (!kvm.flags)
    return warning(
      "kvm",
      `the CPU shows neither vmx nor svm${device}: machines run on the stand-in, not for production`,
      "switch virtualization on in the firmware, or nested virtualization on the outer host",
    );
  return warning("kvm", "usable, and CROFT_HYPERVISOR chose the stand-in", "unset CROFT_HYPERVISOR");
};

const judgeDisk = (check: string, { path, freeBytes }: Space, wanted: number): Judged => {
  const free = `${size(freeBytes)} free at ${path}`;
  if (freeBytes < GIB) return failure(check, `${free}: less than 1 GiB`, "make space, or move the folder to a larger disk");
  if (freeBytes < wanted) return warning(check, `${free}, ${size(wanted)} may be wanted`, "make space before machines fill their disks");
  return ok(check, free);
};

const IMAGE_SPACE = 4 * GIB;

const judgeMemory = ({ memory }: HostFacts, site: SiteFacts | undefined): Judged => {
  const has = `${size(memory.totalBytes)}, ${size(memory.availableBytes)} available`;
  const wanted = site?.memoryBytes ?? 0;
  if (wanted + RESERVE > memory.totalBytes)
    return failure("memory", `${has}; machines want ${size(wanted)}`, "make machines smaller, or take a larger host");
  if (site?.isNew === true && wanted > memory.availableBytes)
    return warning("memory", `${has}; machines want ${size(wanted)}`, "stop what else uses memory here");
  return ok("memory", site === undefined ? has : `${has}; machines want ${size(wanted)}`);
};

const judgePorts = ({ listeners, sites }: HostFacts, site: SiteFacts): readonly Judged[] => {
  const clashes = site.published.flatMap((port) => {
    const other = sites.find(
      (known) => (known.site !== site.site || known.environment !== site.environment) && known.published.includes(port),
    );
    if (other !== undefined)
      return [
        failure(
          "ports",
          `port ${port} is published by the site ${other.site} (${other.environment}) already`,
          `croft destroy of one of them; a host publishes a port once`,
        ),
      ];
    const found = listeners.find((listener) => listener.port === port);
    return found === undefined
      ? []
      : [
          failure(
            "ports",
            `port ${port}, which the site publishes, is taken on this host (${found.address})`,
            `stop what listens: ss -ltnp 'sport = :${port}'`,
          ),
        ];
  });
  if (clashes.length > 0) return clashes;
  return [ok("ports", site.published.length === 0 ? "the site publishes none" : `${site.published.join(", ")} are free`)];
};

/** Never a failure: what cannot be asked is unknown. */
const judgeClock = ({ clock }: HostFacts): Judged => {
  const skew = clock.skewSeconds;
  if (skew !== undefined && Math.abs(skew) > MOST_SKEW_SECONDS)
    return warning(
      "clock",
      `${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} ${clock.asked ?? "a mirror"}: certificates may not be valid yet`,
      "timedatectl set-ntp true",
    );
  if (clock.synchronized === false) return warning("clock", "not synchronized by NTP", "timedatectl set-ntp true");
  if (skew !== undefined) return ok("clock", `within ${Math.max(1, Math.abs(skew))} s of ${clock.asked ?? "a mirror"}`);
  return ok("clock", clock.synchronized === true ? "synchronized by NTP" : "unknown: no mirror and no NTP daemon to ask");
};

const judgePackages = ({ missing }: HostFacts): Judged => {
  if (missing.length === 0) return ok("packages", "all there");
  const names = missing.map((wanted) => wanted.package).join(" ");
  return warning("packages", `missing: ${names}; \`croft up\` installs them`, `apt-get install ${names}`);
};

const judgeVersions = ({ node, hypervisor, systemd, root }: HostFacts): readonly Judged[] => [
  Number(node.split(".")[0]) >= OLDEST_NODE
    ? ok("versions", `node ${node}, ${hypervisor}`)
    : failure("versions", `node ${node} is older than ${OLDEST_NODE}`, "npm ci"),
  systemd
    ? ok("systemd", "is PID 1: machines come back after a crash and a reboot")
    : warning("systemd", "PID 1 is not systemd: nothing restarts a machine that stops, nothing starts them after a reboot"),
  root
    ? ok("root", "runs as root")
    : warning("root", "not root: only reading commands work, and some of this could not be seen", "sudo npx croft doctor"),
];

const judgeName = ({ name, addresses }: Name, gateway: string | undefined, own: readonly string[]): Judged => {
  const expected = [...(gateway === undefined ? [] : [gateway]), ...own];
  if (addresses.length === 0) return warning("dns", `${name} does not resolve here`, `croft up --write-hosts, or an A record to this host`);
  if (addresses.some((address) => expected.includes(address))) return ok("dns", `${name} is ${addresses.join(", ")}`);
  return warning("dns", `${name} is ${addresses.join(", ")}, neither the gateway nor this host`, "point its A record to this host");
};

const judgeRanges = (site: SiteFacts): readonly Judged[] =>
  site.ranges.length === 0
    ? [ok("network", "no other site and no route of this host has it")]
    : site.ranges.map(({ level, message, hint = "" }) =>
        level === "error" ? failure("network", message, hint) : warning("network", message, hint),
      );

const judgeLeftovers = ({ leftovers }: HostFacts): readonly Judged[] => {
  if (leftovers === undefined) return [ok("leftovers", "unknown: only root sees which sites there are")];
  return leftovers.length === 0 ? [ok("leftovers", "none")] : leftovers.map(({ what, fix }) => warning("leftovers", what, fix));
};

const judgeSite = (facts: HostFacts, site: SiteFacts): readonly Judged[] => [
  ...judgePorts(facts, site),
  ...judgeRanges(site),
  ...site.names.map((name) => judgeName(name, site.gateway, facts.addresses)),
];

export const judge = (facts: HostFacts, site?: SiteFacts): readonly Judged[] => [
  ...judgeVersions(facts),
  judgeKvm(facts),
  judgePackages(facts),
  judgeMemory(facts, site),
  judgeDisk("disk of state", facts.state, site?.isNew === true ? site.diskBytes : 0),
  judgeDisk("disk of cache", facts.cache, IMAGE_SPACE),
  judgeClock(facts),
  ...(site === undefined ? [] : judgeSite(facts, site)),
  ...judgeLeftovers(facts),
];
