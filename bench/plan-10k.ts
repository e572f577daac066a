/** A plan of 10,000 new machines against Terraform's plan of 10,000 `terraform_data`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { repeat, runMeasured, runProgram } from "./tools/process.ts";
import { median, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";

export const name = "plan-10k";

const COUNT = 10_000;
const RUNS = 3;
const CHILD = join(import.meta.dirname, "plan-child.ts");

type ChildTimes = { readonly steps: number; readonly makeMs: number; readonly planMs: number; readonly printMs: number };
type Measured = { readonly wallMs: number; readonly peakMiB: number };

const measureCroft = async (): Promise<ChildTimes & Measured> => {
  // As croft's launcher keeps compiled code.
  const environment = { NODE_COMPILE_CACHE: join(homedir(), ".cache", "croft", "compiled") };
  const { out, durationMs, peakMiB } = await runMeasured([process.execPath, CHILD, String(COUNT)], { environment });
  return { ...(JSON.parse(out) as ChildTimes), wallMs: durationMs, peakMiB };
};

/** Its provider is built in: nothing is downloaded. */
const CONFIGURATION = `resource "terraform_data" "machine" {
  count = ${COUNT}
  input = {
    name   = "m\${count.index}"
    cpus   = 1
    memory = 1073741824
  }
}
`;

const prepareTerraform = async (folder: string): Promise<void> => {
  await writeFile(join(folder, "main.tf"), CONFIGURATION);
  await runProgram(["terraform", "init", "-input=false", "-no-color"], { folder }).catch((error: unknown) => {
    throw new Skip(`terraform cannot be used here: ${String(error).slice(0, 300)}`);
  });
};

const measureTerraform = async (folder: string): Promise<Measured> => {
  const { durationMs, peakMiB } = await runMeasured(["terraform", "plan", "-input=false", "-no-color", "-lock=false"], { folder });
  return { wallMs: durationMs, peakMiB };
};

const middle = <T>(values: readonly T[], pick: (value: T) => number): number => median(values.map(pick));

const WHOLE =
  "whole processes, from start to end: Node's start, making 40,000 resources, the plan and its text; Terraform's start, plan and text";
const PURE = "makePlan alone: four resources a machine (network, disk, machine, generation), nothing observed, nothing recorded";

const rowsOf = (croft: readonly (ChildTimes & Measured)[], terraform: readonly Measured[]): readonly Row[] => {
  const wall = middle(terraform, ({ wallMs }) => wallMs) / 1000;
  const peak = middle(terraform, ({ peakMiB }) => peakMiB);
  const other = { name: "terraform", value: wall };
  const goal = { value: 5, ratio: 0.1 };
  return [
    { what: "plan of 10,000 machines", unit: "s", croft: middle(croft, ({ planMs }) => planMs) / 1000, other, goal, note: PURE },
    { what: "the whole process", unit: "s", croft: middle(croft, ({ wallMs }) => wallMs) / 1000, other, goal, note: WHOLE },
    { what: "of that: making the resources", unit: "s", croft: middle(croft, ({ makeMs }) => makeMs) / 1000 },
    { what: "of that: the plan's text", unit: "s", croft: middle(croft, ({ printMs }) => printMs) / 1000 },
    {
      what: "its largest memory",
      unit: "MiB",
      croft: middle(croft, ({ peakMiB }) => peakMiB),
      other: { name: "terraform", value: peak },
      goal: { value: 512 },
    },
  ];
};

export const run = async (): Promise<readonly Row[]> => {
  const folder = await mkdtemp(join(tmpdir(), "croft-bench-terraform-"));
  try {
    await prepareTerraform(folder);
    const pairs = await repeat(RUNS, async () => ({ croft: await measureCroft(), terraform: await measureTerraform(folder) }));
    return rowsOf(
      pairs.map(({ croft }) => croft),
      pairs.map(({ terraform }) => terraform),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
