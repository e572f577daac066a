/** What a machine that is still booting will be once it is up. */
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineView } from "./agent.ts";

export type Patience = { readonly forMs: number; readonly everyMs: number };

const BOOT: Patience = { forMs: 30_000, everyMs: 250 };

/** Words of `systemctl is-system-running` until the first jobs of a boot are done. */
const BOOTING = ["initializing", "starting"];

const isComing = ({ systemd, units }: MachineView): boolean =>
  BOOTING.includes(systemd) && Object.values(units).some((state) => /^(?:inactive|activating)/.test(state));

/** Looks again while the machine boots and a unit is not there yet; a machine that is up is looked at once. */
export const settledView = async (look: () => Promise<MachineView>, { forMs, everyMs }: Patience = BOOT): Promise<MachineView> => {
  const end = performance.now() + forMs;
  for (;;) {
    const view = await look();
    if (!isComing(view) || performance.now() >= end) return view;
    await sleep(everyMs);
  }
};
