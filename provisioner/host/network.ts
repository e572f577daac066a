/** A site's network on one host: bridge, blackhole route behind it, forward chain, published ports. Pure. */
import { resourceId, shortHash } from "../model/names.ts";
import { safeAddress, safeCount, safePart, safeSubnet } from "../model/safe.ts";
import type { Json, JsonObject, Resource } from "../plan/resource.ts";
import { sh } from "../transport/sh.ts";

export type Publication = { readonly port: number; readonly address: string };

export type NetworkInput = {
  readonly host: string;
  readonly bridge: string;
  readonly table: string;
  /** `10.91.0.0/24`, the host's own part of the site's network. */
  readonly subnet: string;
  /** The host's own address on the bridge, such as `10.91.0.1`. */
  readonly gateway: string;
  readonly siteId: string;
  /** Ports of the host that are handed to a machine. */
  readonly published: readonly Publication[];
};

export type NetworkPayload = { readonly rules: string; readonly script: string; readonly input: NetworkInput };

/** What marks a network object as this site's. */
export const ownerMark = (siteId: string): string => `croft:${safePart(siteId)}`;

const publishedRule = ({ bridge }: NetworkInput, { port, address }: Publication): string =>
  `    iifname != "${safePart(bridge)}" fib daddr type local tcp dport ${safeCount(port)} dnat ip to ${safeAddress(address)}:${port}`;

const acceptRule = ({ bridge }: NetworkInput, { port, address }: Publication): string =>
  `    oifname "${safePart(bridge)}" ip daddr ${safeAddress(address)} tcp dport ${safeCount(port)} accept`;

/** One table; replaced whole in one transaction. Traffic of other bridges is never judged here. */
export const renderRules = (input: NetworkInput): string =>
  [
    `table inet ${safePart(input.table)}`,
    `delete table inet ${input.table}`,
    `table inet ${input.table} {`,
    `  comment "${ownerMark(input.siteId)}"`,
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    iifname != "${safePart(input.bridge)}" oifname != "${input.bridge}" return`,
    "    ct state established,related accept",
    "    # Between machines of one bridge (seen here where the kernel filters bridges) each machine's own firewall decides.",
    `    iifname "${input.bridge}" oifname "${input.bridge}" accept`,
    ...input.published.map((publication) => acceptRule(input, publication)),
    "    drop",
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority dstnat; policy accept;",
    ...input.published.map((publication) => publishedRule(input, publication)),
    "  }",
    "}",
    "",
  ].join("\n");

/** Ensures everything of the network; safe to run at any time, also by machines after a reboot. */
export const renderNetworkScript = (input: NetworkInput, rulesFile: string): string =>
  [
    "#!/bin/sh",
    "# Written by croft. Ensures the site's bridge, its blackhole route and its firewall table.",
    "set -eu",
    sh`ip link show ${input.bridge} >/dev/null 2>&1 || ip link add ${input.bridge} type bridge 2>/dev/null || ip link show ${input.bridge} >/dev/null`
      .text,
    sh`ip link set ${input.bridge} alias ${ownerMark(input.siteId)} up`.text,
    sh`ip address replace ${`${safeAddress(input.gateway)}/24`} dev ${input.bridge}`.text,
    "# A packet for a machine whose bridge is gone must not leave by the uplink.",
    sh`ip route replace blackhole ${safeSubnet(input.subnet)} metric 4294967295`.text,
    sh`nft -f ${rulesFile}`.text,
    '[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 > /proc/sys/net/ipv4/ip_forward',
    "",
  ].join("\n");

export const networkId = (host: string): string => resourceId("network", host);

const publishedFacts = (input: NetworkInput): Json =>
  Object.fromEntries(input.published.map(({ port, address }) => [String(port), address]));

export const networkResource = (input: NetworkInput, rulesFile: string): Resource => {
  const rules = renderRules(input);
  const script = renderNetworkScript(input, rulesFile);
  const spec: JsonObject = {
    bridge: input.bridge,
    address: `${input.gateway}/24`,
    blackhole: input.subnet,
    table: input.table,
    published: publishedFacts(input),
    firewall: shortHash(rules, 16),
    forwarding: true,
    script: shortHash(script, 16),
  };
  return {
    id: networkId(input.host),
    kind: "network",
    host: input.host,
    spec,
    payload: { rules, script, input } satisfies NetworkPayload,
    needs: [],
    replaceOn: ["bridge"],
  };
};
