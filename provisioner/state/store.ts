/** What croft remembers of a site between runs. */
import type { Rotating } from "../model/rotation.ts";
import type { JsonObject, Recorded } from "../plan/resource.ts";

export const STATE_VERSION = 1;

export type State = {
  readonly version: number;
  /** 128 random bits, hex: the mark on everything the site owns. */
  readonly siteId: string;
  /** Counts writes. */
  readonly serial: number;
  readonly resources: readonly Recorded[];
  /** Machine to address; kept while anything remembers the address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Hosts in the order of their subnets. */
  readonly hosts: readonly string[];
  /** `kind/name` to how often it was rotated. */
  readonly rotations: Readonly<Record<string, number>>;
  /** Secrets with two good versions at the moment, and how far their rotation is. */
  readonly rotating?: Rotating;
  readonly imageUpdate: number;
  /** Settings that commands remember: names written to /etc/hosts. */
  readonly extra: JsonObject;
};

export const emptyState = (siteId: string): State => ({
  version: STATE_VERSION,
  siteId,
  serial: 0,
  resources: [],
  addresses: {},
  hosts: [],
  rotations: {},
  imageUpdate: 0,
  extra: {},
});

export type StateStore = {
  /** Undefined where no state was ever written. @throws CroftError STATE_INVALID where it is damaged: never an empty state instead. */
  readonly read: () => Promise<State | undefined>;
  /** Whole or not at all, on disk when it returns. @throws CroftError STATE_IO */
  readonly write: (state: State) => Promise<void>;
  /** Puts the newest readable older generation in place; returns its serial. */
  readonly restore: () => Promise<number>;
  readonly remove: () => Promise<void>;
};
