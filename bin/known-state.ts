/** What commands that only read make of a site's state. */
import { CroftError } from "../provisioner/errors.ts";
import { emptyState } from "../provisioner/state/store.ts";
import type { State, StateStore } from "../provisioner/state/store.ts";
import type { Io } from "./main.ts";

/** No run ever wrote this state. */
export const isNew = (state: State): boolean => state.serial === 0;

/** For those who only read: a site that was never created has no random id, and who may not read the state is told. */
export const readKnownState = (store: StateStore, io: Io): Promise<State> =>
  store
    .read()
    .catch((error: unknown) => {
      if (!(error instanceof CroftError && error.code === "STATE_IO")) throw error;
      io.error(`note: ${error.message}; shown as if the site were new`);
      return undefined;
    })
    .then((state) => state ?? emptyState("0".repeat(32)));
