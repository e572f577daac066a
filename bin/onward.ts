/** Plans during rotations: where one phase of them left nothing to do, the next phase is planned. */
import type { PlanInput, Planned } from "../provisioner/execute/apply.ts";
import { advanceRotations, pendingRotations } from "../provisioner/model/rotation.ts";
import { isEmpty } from "../provisioner/plan/diff.ts";
import type { State } from "../provisioner/state/store.ts";

export type Look = { readonly planned: Planned; readonly input: PlanInput };

/** True while a rotation has phases to come. */
export const isRotating = (state: State): boolean => pendingRotations(state).length > 0;

/**
 * The phase is written down with the first write of the run that does it: whoever finds a phase with nothing to do knows that
 * all of it was done.
 */
export const planOnward = async (state: State, look: (state: State) => Promise<Look>): Promise<Look> => {
  const found = await look(state);
  return isEmpty(found.planned.plan) && isRotating(state) ? planOnward(advanceRotations(state), look) : found;
};
