/**
 * A resource is one node of the desired graph: pure data with a stable id. Nothing here knows a
 * domain; a kind's meaning lies in its driver.
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** `kind/name` or `kind/owner/name`, unique in a site and stable between runs. */
export type ResourceId = string;

export type Resource = {
  readonly id: ResourceId;
  readonly kind: string;
  /** The host whose parallelism limit its steps share. */
  readonly host: string;
  /** Compared property by property with what the driver observes. Never a secret. */
  readonly spec: JsonObject;
  /** What the driver needs to act and what follows from `spec`: file texts, paths. Not compared, not recorded. */
  readonly payload?: unknown;
  /** What must be done before this one; removal goes the other way round. */
  readonly needs: readonly ResourceId[];
  /** Properties of `spec` that cannot change in place. */
  readonly replaceOn?: readonly string[];
  /** Resources whose replacement takes this one with it (a generation lives on its machine's root disk). */
  readonly lostWith?: readonly ResourceId[];
  /** Holds data of the user: removed only when named by `--allow-destroy` or under `--purge`. */
  readonly data?: boolean;
  /** Stays where one of these stays when the site is destroyed: a role with its database's disk. */
  readonly keptWith?: readonly ResourceId[];
  /** Lives in a cache outside the site: forgotten, never removed. */
  readonly cached?: boolean;
  /** Property of `spec` (or `*`) to what its change interrupts, one phrase. */
  readonly interrupts?: Readonly<Record<string, string>>;
  /** What deserves a word below each plan that wants it. */
  readonly warnings?: readonly string[];
  /** What it takes of its host, summed and checked against the host's size. */
  readonly uses?: { readonly cpus?: number; readonly memoryBytes?: number; readonly diskBytes?: number };
};

/**
 * What a driver saw.
 *
 * - `present`: facts in the shape of `spec`; every key of `spec` is compared with the same key here.
 *   `info` is for people and never compared (pids, free space, uptimes).
 * - `absent`: known not to be there.
 * - `hidden`: cannot be known until resource `by` is there and running. Never treated as absent.
 */
export type Observation =
  | { readonly status: "present"; readonly facts: JsonObject; readonly info?: JsonObject }
  | { readonly status: "absent" }
  | { readonly status: "hidden"; readonly by: ResourceId };

/** What state remembers of a resource: enough to remove it without any configuration. */
export type Recorded = {
  readonly id: ResourceId;
  readonly kind: string;
  readonly host: string;
  readonly spec: JsonObject;
  readonly needs: readonly ResourceId[];
  readonly lostWith?: readonly ResourceId[];
  readonly data?: boolean;
  readonly keptWith?: readonly ResourceId[];
  readonly cached?: boolean;
  /** What the driver returned when it applied it: ids, pinned keys. Never a secret. */
  readonly output: JsonObject;
  /** `active`, or `kept`: its site was destroyed and its data stayed. */
  readonly status: "active" | "kept";
};

/** One property that differs. `from` is undefined where the property is new, `to` where it goes. */
export type Change = { readonly path: string; readonly from?: Json; readonly to?: Json; readonly forcesReplacement?: boolean };

export type Action = "create" | "update" | "replace" | "remove" | "keep" | "verify" | "retain" | "forget";

/** One node of a plan. The executor has no choices left: it does exactly this or stops. */
export type Step = {
  readonly id: ResourceId;
  readonly kind: string;
  readonly host: string;
  readonly action: Action;
  readonly reason: string;
  readonly changes: readonly Change[];
  /** Steps of this plan that must be done first. */
  readonly after: readonly ResourceId[];
  readonly interrupts: readonly string[];
};

export type Plan = {
  readonly site: string;
  readonly environment: string;
  readonly steps: readonly Step[];
  /** Hash of steps: what `apply` compares after it has taken the lock. */
  readonly hash: string;
};
