/** One machine's configuration: croft against the equal Ansible playbook, first run and second. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { loadSite } from "../bin/load.ts";
import type { MachinePayload } from "../provisioner/hypervisor/machine-resource.ts";
import type { Generation, GenerationPayload } from "../provisioner/machine/generation.ts";
import { onMachine } from "../provisioner/model/names.ts";
import { sh } from "../provisioner/transport/sh.ts";
import { must } from "../provisioner/transport/shell.ts";
import { withHandMachine } from "./tools/hand.ts";
import type { HandMachine } from "./tools/hand.ts";
import { changedCount, endConnection, findAnsible, runPlaybook, writeProject } from "./tools/playbook.ts";
import { repeat } from "./tools/process.ts";
import { median, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";
import { croft, destroySite, quietIo, stepOf, upWithSteps, withSite } from "./tools/site.ts";

export const name = "ansible";

const FIRST_RUNS = 3;
const SECOND_RUNS = 5;

type Croft = {
  readonly firstMs: readonly number[];
  readonly secondMs: readonly number[];
  readonly planMs: readonly number[];
  readonly generation: Generation;
  readonly machine: MachinePayload;
  /** A tar, in base64, of the certificates the units want to find. */
  readonly slots: string;
};

const SLOTS = sh`tar -C ${onMachine.slots} -cf - . | base64 -w 0`;

const readSlots = async (site: string): Promise<string> =>
  (await croft("vm", "ssh", "web", "--file", site, "--", "sh", "-c", SLOTS.text)).out.trim();

const readDesired = async (site: string): Promise<Pick<Croft, "generation" | "machine">> => {
  const { desired } = await loadSite({ site, environment: undefined, io: quietIo });
  const payloadOf = (id: string): unknown => desired.resources.find((resource) => resource.id === id)?.payload;
  const { generation } = payloadOf("generation/web") as GenerationPayload;
  return { generation, machine: payloadOf("machine/web") as MachinePayload };
};

const generationStep = async (site: string): Promise<number> => stepOf(await upWithSteps(site), "generation/web").insideMs;

const measureCroft = (): Promise<Croft> =>
  withSite("hello", async (site) => {
    const earlier = await repeat(FIRST_RUNS - 1, async () => {
      const took = await generationStep(site);
      await destroySite(site);
      return took;
    });
    const firstMs = [...earlier, await generationStep(site)];
    const secondMs = (await repeat(SECOND_RUNS, () => croft("up", "--yes", site))).map(({ durationMs }) => durationMs);
    const planMs = (await repeat(SECOND_RUNS, () => croft("plan", site))).map(({ durationMs }) => durationMs);
    return { firstMs, secondMs, planMs, ...(await readDesired(site)), slots: await readSlots(site) };
  });

/** What is there before croft's generation step too: certificates are resources of their own. */
const prepareMachine = ({ shell }: HandMachine, slots: string): Promise<string> =>
  must(shell, "unpacking certificates", sh`base64 -d | tar -C ${onMachine.slots} -xf -`, { input: slots });

type Ansible = { readonly firstMs: number; readonly secondMs: readonly number[] };

/** @throws Error where the second run changes something: then the playbook is not equal */
const secondRuns = async (project: Parameters<typeof runPlaybook>[0]): Promise<readonly number[]> => {
  const runs = await repeat(SECOND_RUNS, () => runPlaybook(project));
  const changing = runs.find((finished) => changedCount(finished) !== 0);
  if (changing !== undefined) throw new Error(`ansible's second run changed something:\n${changing.out}`);
  return runs.map(({ durationMs }) => durationMs);
};

const measureAnsible = (program: string, { machine, generation, slots }: Croft, second: boolean): Promise<Ansible> =>
  withHandMachine(machine.input.image.rootFile, machine.input.config, async (hand) => {
    const project = { program, folder: await mkdtemp("/tmp/crba-") };
    try {
      await prepareMachine(hand, slots);
      await writeProject(project, hand, generation);
      const { durationMs } = await runPlaybook(project);
      return { firstMs: durationMs, secondMs: second ? await secondRuns(project) : [] };
    } finally {
      await endConnection(project, hand);
      await rm(project.folder, { recursive: true, force: true });
    }
  });

const FIRST =
  "the same directories, files and units on a fresh machine of the same image that has its certificates already. croft: the step generation/web (send, install, start, prove by probes); ansible: one playbook run, without probes, its start included";
const SECOND =
  "croft: the whole command `up`, which also looks at host, network, machine, certificates and release; ansible: the playbook with pipelining, a connection kept open, no facts, nothing changed";

export const run = async (): Promise<readonly Row[]> => {
  if (!existsSync("/usr/bin/ssh")) throw new Skip("the program ssh is missing (Debian package openssh-client)");
  const program = await findAnsible();
  const measured = await measureCroft();
  const ansible = await repeat(FIRST_RUNS, (index) => measureAnsible(program, measured, index === FIRST_RUNS - 1));
  const first = { name: "ansible", value: median(ansible.map(({ firstMs }) => firstMs)) };
  const second = { name: "ansible", value: median(ansible.flatMap(({ secondMs }) => secondMs)) };
  return [
    {
      what: "first configuration of a machine",
      unit: "ms",
      croft: median(measured.firstMs),
      other: first,
      goal: { ratio: 1 / 5 },
      note: FIRST,
    },
    { what: "second run", unit: "ms", croft: median(measured.secondMs), other: second, goal: { ratio: 1 / 20 }, note: SECOND },
    { what: "croft plan, unchanged", unit: "ms", croft: median(measured.planMs), other: second },
  ];
};
