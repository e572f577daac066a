/** What every machine has: names, firewall, the agent; the image brings the boot guard. Pure. */
import type { Flow, GenerationPart } from "../model/contribution.ts";
import { safeAddress, safeCount, safeHostname } from "../model/safe.ts";
import { slotId } from "./slot-resource.ts";
import { AGENT, AGENT_PATH } from "./agent-script.ts";

export type BasePartInput = {
  readonly machine: string;
  readonly address: string;
  /** Every name of the site with its address: machines, services, public hosts. */
  readonly names: readonly { readonly address: string; readonly names: readonly string[] }[];
  /** Address of the host on the machine's bridge: where croft comes from. */
  readonly hostAddress: string;
  readonly flows: readonly Flow[];
  readonly addressOf: (machine: string) => string;
};

const renderHosts = (input: BasePartInput): string =>
  [
    "127.0.0.1 localhost",
    "::1 localhost ip6-localhost",
    ...input.names.map(({ address, names }) => `${safeAddress(address)} ${names.map(safeHostname).join(" ")}`),
    "",
  ].join("\n");

const sourceOf = (input: BasePartInput, flow: Flow): string => {
  if (flow.from === "public") return "";
  return `ip saddr ${safeAddress(flow.from === "host" ? input.hostAddress : input.addressOf(flow.from))} `;
};

const flowRule = (input: BasePartInput, flow: Flow): string =>
  `    ${sourceOf(input, flow)}tcp dport ${safeCount(flow.port)} accept comment "${flow.reason.replaceAll(/[^A-Za-z0-9 .:/@-]/g, "")}"`;

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export const renderFirewall = (input: BasePartInput): string =>
  [
    "#!/usr/sbin/nft -f",
    "# Written by croft: only declared flows come in.",
    "flush ruleset",
    "table inet croft {",
    "  chain input {",
    "    type filter hook input priority filter; policy drop;",
    "    ct state established,related accept",
    "    ct state invalid drop",
    "    iifname lo accept",
    "    ip protocol icmp accept",
    "    ip6 nexthdr icmpv6 accept",
    `    ip saddr ${safeAddress(input.hostAddress)} tcp dport 22 accept comment "croft"`,
    ...[...new Set(input.flows.filter((flow) => flow.to === input.machine).map((flow) => flowRule(input, flow)))].toSorted(byText),
    "    reject with icmpx type admin-prohibited",
    "  }",
    "}",
    "",
  ].join("\n");

const root = (path: string, content: string, mode = "0644") => ({ path, mode, owner: "root:root", content });

export const basePart = (input: BasePartInput): GenerationPart => ({
  machine: input.machine,
  name: "base",
  directories: [],
  files: [
    root("/etc/hosts", renderHosts(input)),
    root("/etc/nftables.conf", renderFirewall(input), "0755"),
    root(AGENT_PATH, AGENT, "0755"),
  ],
  units: [{ name: "nftables.service", start: true, onChange: "reload", watches: ["/etc/nftables.conf"] }],
  slots: [],
  probes: [],
  needs: [slotId(input.machine, "authority")],
});
