/** From nothing to SSH: a machine made by croft against the same image booted by hand. */
import { loadSite } from "../bin/load.ts";
import { driverOf } from "../provisioner/execute/observe.ts";
import { machineResourceId } from "../provisioner/hypervisor/machine-resource.ts";
import type { MachinePayload } from "../provisioner/hypervisor/machine-resource.ts";
import { withHandMachine } from "./tools/hand.ts";
import type { HandMachine } from "./tools/hand.ts";
import { repeat } from "./tools/process.ts";
import { median } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";
import { quietIo, stepOf, upWithSteps, withSite } from "./tools/site.ts";
import type { StepTime } from "./tools/site.ts";

export const name = "boot";

const RUNS = 5;
const MACHINE = machineResourceId("web");

/** Takes the machine away from its site; the rest of the site stays. @returns what its image and size are */
const removeMachine = async (site: string): Promise<MachinePayload> => {
  const loaded = await loadSite({ site, environment: undefined, io: quietIo });
  const resource = loaded.desired.resources.find(({ id }) => id === MACHINE);
  const recorded = loaded.state.resources.find(({ id }) => id === MACHINE);
  if (resource === undefined || recorded === undefined) throw new Error(`${MACHINE} is not there`);
  const world = loaded.openWorld(loaded.state, loaded.desired);
  const { kind, host } = resource;
  const step = { id: MACHINE, kind, host, action: "remove", reason: "", changes: [], after: [], interrupts: [] } as const;
  const signal = new AbortController().signal;
  await driverOf(world.drivers, kind)
    .remove({ step, recorded, progress: () => {}, signal })
    .finally(() => world.close());
  return resource.payload as MachinePayload;
};

type CroftTimes = { readonly first: StepTime; readonly alone: readonly StepTime[]; readonly payload: MachinePayload };

const measureCroft = (): Promise<CroftTimes> =>
  withSite("hello", async (site) => {
    const first = stepOf(await upWithSteps(site), MACHINE);
    const runs = await repeat(RUNS, async () => {
      const payload = await removeMachine(site);
      return { payload, step: stepOf(await upWithSteps(site), MACHINE) };
    });
    const [{ payload }] = runs as readonly [(typeof runs)[number]];
    return { first, alone: runs.map(({ step }) => step), payload };
  });

type HandTimes = Pick<HandMachine, "copiedMs" | "sshMs">;

const measureHand = ({ input }: MachinePayload): Promise<readonly HandTimes[]> =>
  repeat(RUNS, () => withHandMachine(input.image.rootFile, input.config, ({ copiedMs, sshMs }) => Promise.resolve({ copiedMs, sshMs })));

const INCLUDED = `both copy the root disk, write a seed, make a pair of interfaces, boot with one CPU and 512 MiB, and end when \`true\` ran over SSH (ssh2). \
By hand the host key is read from the machine's disk the moment it exists; croft waits until the machine's console shows it`;
const FIRST = "one run: the CA's and certificates' keys are made at the same time, on the same CPUs";

/** Where the time goes, by what the step says. */
const phaseRows = (alone: readonly StepTime[], hand: readonly HandTimes[]): readonly Row[] =>
  Object.keys(alone[0]?.phases ?? {}).map((phase) => ({
    what: `  ${phase}`,
    unit: "ms",
    croft: median(alone.map(({ phases }) => phases[phase] ?? 0)),
    ...(phase.startsWith("copying") ? { other: { name: "by hand", value: median(hand.map(({ copiedMs }) => copiedMs)) } } : {}),
  }));

export const run = async (): Promise<readonly Row[]> => {
  const { first, alone, payload } = await measureCroft();
  const hand = await measureHand(payload);
  const inside = median(alone.map(({ insideMs }) => insideMs));
  const outside = median(alone.map(({ startMs, endMs }) => endMs - startMs));
  const ssh = { name: "by hand", value: median(hand.map(({ sshMs }) => sshMs)) };
  return [
    { what: "machine/web, create to SSH", unit: "ms", croft: inside, other: ssh, goal: { ratio: 1.1 }, note: INCLUDED },
    { what: "the same, seen from outside", unit: "ms", croft: outside, other: ssh, goal: { ratio: 1.1 } },
    ...phaseRows(alone, hand),
    { what: "machine/web in the site's first up", unit: "ms", croft: first.insideMs, other: ssh, note: FIRST },
  ];
};
