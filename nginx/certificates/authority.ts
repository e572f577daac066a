/** The site's own CA: a root, an intermediate that can sign nothing but the site's names, and its leaves. Pure. */
import { isIPv4 } from "node:net";
import { CroftError } from "../../provisioner/errors.ts";
import { internalDomain } from "../../provisioner/model/names.ts";
import type { Secret } from "../../provisioner/secrets/secret.ts";
import { signCertificate } from "./forge.ts";
import type { Network } from "./forge.ts";

export type KeyPair = { readonly publicKey: string; readonly privateKey: Secret };
/** A certificate (PEM) with its key. */
export type Issued = { readonly certificate: string; readonly key: Secret };

/** Everything that is not decided here: names, time and chance. */
export type Issuing = { readonly site: string; readonly now: Date; readonly serial: string; readonly pair: KeyPair };

export type Scope = {
  readonly domain: string;
  /** The site's network, such as `10.91.0.0/16`. */
  readonly network: string;
};

export const DAY_MS = 86_400_000;
export const LIFE_DAYS = { root: 3650, intermediate: 1825, leaf: 90 } as const;
/** Clocks of machines may be behind. */
const BACKDATE_MS = 3_600_000;

const lifetime = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - BACKDATE_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

const addressNumbers = (address: string): readonly number[] => address.split(".").map(Number);
const maskOf = (prefix: number): readonly number[] =>
  [0, 8, 16, 24].map((start) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - start))));

const parseNetwork = (network: string): Network => {
  const [address = "", prefix = ""] = network.split("/");
  const length = Number(prefix);
  if (!isIPv4(address) || !/^\d+$/.test(prefix) || length > 32) {
    throw new CroftError("BUG", `${network} is not an IPv4 network`);
  }
  return { address: addressNumbers(address), mask: maskOf(length) };
};

const isInside = (address: string, network: Network): boolean =>
  addressNumbers(address).every(
    (part, index) => (part & (network.mask[index] ?? 0)) === ((network.address[index] ?? 0) & (network.mask[index] ?? 0)),
  );

const isBelow = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

/** True where the intermediate of `scope` may sign `name`. */
export const isPermitted = (scope: Scope, name: string): boolean =>
  isIPv4(name) ? isInside(name, parseNetwork(scope.network)) : [scope.domain, internalDomain].some((domain) => isBelow(name, domain));

export const makeRoot = ({ site, now, serial, pair }: Issuing): Issued => ({
  certificate: signCertificate({
    subject: `${site} root`,
    organisation: "croft",
    serial,
    ...lifetime(now, LIFE_DAYS.root),
    publicKey: pair.publicKey,
    signingKey: pair.privateKey.reveal(),
    extensions: [{ kind: "authority", pathLength: 1 }],
  }),
  key: pair.privateKey,
});

export const makeIntermediate = (root: Issued, scope: Scope, { site, now, serial, pair }: Issuing): Issued => ({
  certificate: signCertificate({
    subject: `${site} intermediate`,
    organisation: "croft",
    serial,
    ...lifetime(now, LIFE_DAYS.intermediate),
    publicKey: pair.publicKey,
    issuer: root.certificate,
    signingKey: root.key.reveal(),
    extensions: [
      { kind: "authority", pathLength: 0 },
      { kind: "constraints", dns: [scope.domain, internalDomain], networks: [parseNetwork(scope.network)] },
    ],
  }),
  key: pair.privateKey,
});

export type LeafOrder = { readonly name: string; readonly names: readonly string[]; readonly scope: Scope };

/** @throws CroftError CONFIG_INVALID for a name that no client would accept from this CA. */
export const makeLeaf = (issuer: Issued, order: LeafOrder, { now, serial, pair }: Issuing): Issued => {
  const outside = order.names.filter((name) => !isPermitted(order.scope, name));
  if (outside.length > 0) {
    throw new CroftError("CONFIG_INVALID", `the site's CA may not sign ${outside.join(", ")}`, {
      hint: `it signs names below ${order.scope.domain} and ${internalDomain} and addresses of ${order.scope.network}`,
    });
  }
  const certificate = signCertificate({
    subject: order.name,
    organisation: "croft",
    serial,
    ...lifetime(now, LIFE_DAYS.leaf),
    publicKey: pair.publicKey,
    issuer: issuer.certificate,
    signingKey: issuer.key.reveal(),
    extensions: [
      { kind: "server" },
      {
        kind: "names",
        dns: order.names.filter((name) => !isIPv4(name)),
        addresses: order.names.filter((name) => isIPv4(name)),
      },
    ],
  });
  return { certificate, key: pair.privateKey };
};

/** 16 random bytes as a positive serial number of fixed length. */
export const toSerial = (random: Uint8Array): string => {
  const hex = Buffer.from(random).toString("hex");
  const first = Number.parseInt(hex.slice(0, 2), 16) & 0x7f || 1;
  return first.toString(16).padStart(2, "0") + hex.slice(2);
};
