/** Addresses of a site: host n owns the n-th /24 of the site's /16. The one door of `ipaddr.js`. */
import ipaddr from "ipaddr.js";
import type { Defect, Parsed } from "./sizes.ts";

const PREFIX = 16;
const FIRST = 11;
const LAST = 254;
const HOSTS = 256;
const LONGEST_TEXT = 40;

const failed = (defect: Defect): Parsed<never> => ({ ok: false, defect });

const isPrivate = (network: ipaddr.IPv4): boolean => network.range() === "private";

const checkNetwork = (text: string, address: string, prefix: string): Defect | undefined => {
  const slash = address.length;
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return { message: `\`${address}\` is not an IPv4 address`, at: 0, length: slash };
  if (prefix !== String(PREFIX)) {
    const known = /^\d+$/.test(prefix) && Number(prefix) <= 32;
    const message = known ? `a site's network is a /${PREFIX}, this is a /${prefix}` : `/${prefix} is no prefix length`;
    return { message, at: slash, length: text.length - slash, hint: `write ${address}/${PREFIX}` };
  }
  const parsed = ipaddr.IPv4.parse(address);
  if (!isPrivate(parsed))
    return {
      message: `${address} is not a private network`,
      at: 0,
      length: slash,
      hint: "take one of 10.0.0.0/16 to 10.255.0.0/16, 172.16.0.0/16 to 172.31.0.0/16, or 192.168.0.0/16",
    };
  const base = ipaddr.IPv4.networkAddressFromCIDR(text).toString();
  if (base !== address)
    return { message: `${address} lies inside the network ${base}/${PREFIX}`, at: 0, length: slash, hint: `write ${base}/${PREFIX}` };
  return undefined;
};

/** The canonical text of a private IPv4 /16. */
export const parseNetwork = (text: string): Parsed<string> => {
  const [address = "", prefix, ...more] = text.split("/");
  if (prefix === undefined || more.length > 0 || text.length > LONGEST_TEXT)
    return failed({ message: "a network is an address and a prefix length, such as 10.91.0.0/16", at: 0, length: text.length });
  const defect = checkNetwork(text, address, prefix);
  return defect === undefined ? { ok: true, value: text } : failed(defect);
};

const octets = (network: string): string => network.split(".").slice(0, 2).join(".");

/** The /24 of the n-th host (from 0), such as `10.91.3.0/24`. */
export const hostNetwork = (network: string, hostIndex: number): string => {
  if (hostIndex < 0 || hostIndex >= HOSTS) throw new RangeError(`a /16 holds 256 hosts, asked for host ${hostIndex}`);
  return `${octets(network)}.${hostIndex}.0/24`;
};

/** The bridge's own address, such as `10.91.3.1`. */
export const hostGateway = (network: string, hostIndex: number): string => hostNetwork(network, hostIndex).replace(/0\/24$/, "1");

export type AddressInput = {
  readonly network: string;
  /** Names in the order of their recorded index. */
  readonly hosts: readonly string[];
  readonly machines: readonly { readonly name: string; readonly host: string }[];
  /** Machine to address, of every machine that anything remembers: also of removed ones. */
  readonly recorded: Readonly<Record<string, string>>;
};

const inNetwork = (address: string, network: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(address) && ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(network));

/** The lowest last octets that nobody holds, in order. */
const makeFinder = (network: string, taken: ReadonlySet<string>): (() => string) => {
  const prefix = network.replace(/0\/24$/, "");
  let next = FIRST;
  return () => {
    while (taken.has(`${prefix}${next}`)) next += 1;
    if (next > LAST) throw new RangeError(`no address is left in ${network}: it holds ${LAST - FIRST + 1} machines`);
    next += 1;
    return `${prefix}${next - 1}`;
  };
};

/**
 * An address for every machine: the recorded one where it lies in its host's /24, otherwise the lowest
 * from .11 that is neither recorded nor given in this call. Same input, same answer.
 */
export const assignAddresses = (input: AddressInput): ReadonlyMap<string, string> => {
  const taken = new Set(Object.values(input.recorded));
  const finders = new Map(
    input.hosts.map((host, index) => {
      const network = hostNetwork(input.network, index);
      return [host, { network, find: makeFinder(network, taken) }] as const;
    }),
  );
  return new Map(
    input.machines.map(({ name, host }) => {
      const place = finders.get(host);
      if (place === undefined) throw new RangeError(`machine ${name} is on host ${host}, which has no network`);
      const recorded = Object.hasOwn(input.recorded, name) ? input.recorded[name] : undefined;
      const kept = recorded !== undefined && inNetwork(recorded, place.network);
      return [name, kept ? recorded : place.find()];
    }),
  );
};

type Range = readonly [number, number];

const rangeOf = (network: string): Range => {
  const [address, prefix] = ipaddr.IPv4.parseCIDR(network);
  const first = address.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
  const size = 2 ** (32 - prefix);
  const start = Math.floor(first / size) * size;
  return [start, start + size - 1];
};

/** Two IPv4 networks have an address in common. */
export const overlaps = (a: string, b: string): boolean => {
  const [firstA, lastA] = rangeOf(a);
  const [firstB, lastB] = rangeOf(b);
  return firstA <= lastB && firstB <= lastA;
};

/** A /16 that meets none of these; the first from 10.91 on. */
export const freeNetwork = (taken: readonly string[]): string => {
  const candidates = Array.from({ length: HOSTS }, (_, index) => `10.${(91 + index) % HOSTS}.0.0/${PREFIX}`);
  return candidates.find((candidate) => !taken.some((network) => overlaps(candidate, network))) ?? "192.168.0.0/16";
};
