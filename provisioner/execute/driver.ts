/** The boundary between the executor and a domain: how one kind of resource is seen and changed. */
import type { Observation, Recorded, Resource, Step, JsonObject } from "../plan/resource.ts";

export type ObserveRequest = {
  readonly id: string;
  readonly resource: Resource | undefined;
  readonly recorded: Recorded | undefined;
};

export type ApplyRequest = {
  readonly step: Step;
  readonly resource: Resource;
  readonly recorded: Recorded | undefined;
  readonly observed: Observation;
  /** Tells people what goes on inside a long step. */
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
};

export type RemoveRequest = {
  readonly step: Step;
  readonly recorded: Recorded;
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
};

/**
 * The effects for one kind of resource. Every method may be called again after a crash at any
 * point inside an earlier call and must then finish the work: create means ensure, remove of
 * what is gone succeeds.
 */
export type Driver = {
  readonly kind: string;
  /** Asked once a run with every resource of the kind, desired or recorded: one round trip where possible. Changes nothing. */
  readonly observe: (requests: readonly ObserveRequest[]) => Promise<ReadonlyMap<string, Observation>>;
  /** Brings the resource to its spec; returns what state shall remember. `create`, `update` and `replace` alike. */
  readonly apply: (request: ApplyRequest) => Promise<JsonObject>;
  readonly remove: (request: RemoveRequest) => Promise<void>;
};
