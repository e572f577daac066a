/** The whole example site up again, with nothing to do: the command as a user runs it, and its phases one by one. */
import { join } from "node:path";
import { loadSite, readModel, rootsFrom } from "../bin/load.ts";
import type { Loaded } from "../bin/load.ts";
import { readLock } from "../bin/lock.ts";
import { findArtifactTools, findPlatform } from "../bin/platform.ts";
import { listCertificates } from "../nginx/certificates/readers.ts";
import { driverOf, observeAll } from "../provisioner/execute/observe.ts";
import { cachePaths } from "../provisioner/model/names.ts";
import { isEmpty, makePlan } from "../provisioner/plan/diff.ts";
import type { DiffInput } from "../provisioner/plan/diff.ts";
import { printPlan } from "../provisioner/plan/print.ts";
import type { Recorded } from "../provisioner/plan/resource.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { buildReleases, readMigrations } from "../stacks/app/build.ts";
import { medianOf, repeat, runProgram, timed } from "./tools/process.ts";
import { median } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";
import { croft, PROJECT, quietIo, withSite } from "./tools/site.ts";

export const name = "second-up";

const RUNS = 5;

type Phases = Readonly<Record<string, number>>;

const loadPhases = async (site: string): Promise<Phases> => {
  const roots = rootsFrom(quietIo.environment);
  const model = await timed(() => readModel(site, undefined, quietIo));
  const tools = { shell: makeLocalShell(), cache: cachePaths(roots), onBuild: () => {} };
  const platform = await timed(async () =>
    findPlatform(await findArtifactTools(roots, quietIo.environment, await readLock(model.value.folder)), quietIo.environment),
  );
  const releases = await timed(() => buildReleases(tools, model.value));
  const migrations = await timed(() => readMigrations(model.value));
  return {
    "read and parse croft.yaml": model.durationMs,
    "find the platform": platform.durationMs,
    "hash the builds' sources": releases.durationMs,
    "read the migrations": migrations.durationMs,
  };
};

/** Each kind alone, on connections that are open already: what it adds, not what they share. */
const observeKinds = async (loaded: Loaded, recorded: ReadonlyMap<string, Recorded>): Promise<Phases> => {
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    await Promise.all(
      loaded.model.machines.map(async (machine) => (await world.connections.open(machine.name)).run({ text: "true" } as never)),
    );
    const kinds = Map.groupBy(loaded.desired.resources, ({ kind }) => kind);
    const phases: Record<string, number> = {};
    for (const [kind, resources] of kinds) {
      const requests = resources.map((resource) => ({ id: resource.id, resource, recorded: recorded.get(resource.id) }));
      phases[`observe ${kind}, alone`] = (await timed(() => driverOf(world.drivers, kind).observe(requests))).durationMs;
    }
    return phases;
  } finally {
    await world.close();
  }
};

const planPhases = async (loaded: Loaded): Promise<Phases> => {
  const state = await timed(() => loaded.store.read());
  const ages = await timed(() => listCertificates(loaded.paths, new Date()));
  const desired = await timed(() => loaded.from(loaded.state).desired);
  const recorded = new Map(loaded.state.resources.map((record) => [record.id, record]));
  const world = loaded.openWorld(loaded.state, loaded.desired);
  const { resources } = desired.value;
  const observed = await timed(() => observeAll(resources, [...recorded.values()], world.drivers)).finally(() => world.close());
  const { site, environment } = loaded.model;
  const input: DiffInput = { site, environment, desired: resources, recorded, observed: observed.value };
  const plan = await timed(() => makePlan(input));
  if (!isEmpty(plan.value)) throw new Error(`the second run has something to do:\n${printPlan(plan.value, { color: false })}`);
  const print = await timed(() => printPlan(plan.value, { color: false }));
  return {
    "read the state": state.durationMs,
    "look at certificates": ages.durationMs,
    desire: desired.durationMs,
    "observe everything, side by side": observed.durationMs,
    plan: plan.durationMs,
    print: print.durationMs,
    ...(await observeKinds(loaded, recorded)),
  };
};

const measurePhases = async (site: string): Promise<Phases> => {
  const load = await loadPhases(site);
  const loaded = await loadSite({ site, environment: undefined, io: quietIo });
  return { ...load, ...(await planPhases(loaded)) };
};

const PHASES = "in a process that has loaded croft's modules already; median of each phase by itself, first round left out";

const phaseRows = (rounds: readonly Phases[]): readonly Row[] =>
  Object.keys(rounds[0] ?? {}).map((phase) => ({
    what: `  ${phase}`,
    unit: "ms",
    croft: median(rounds.map((round) => round[phase] ?? 0)),
    note: PHASES,
  }));

const NODE = "`node -e 0`: what no program on this runtime can be faster than";

const commandRows = async (site: string): Promise<readonly Row[]> => {
  const node = { name: "bare node", value: await medianOf(RUNS, () => runProgram([process.execPath, "-e", "0"])) };
  const modules = `await import(${JSON.stringify(join(PROJECT, "bin", "commands", "up.ts"))})`;
  return [
    { what: "up, second run", unit: "ms", croft: await medianOf(RUNS, () => croft("up", "--yes", site)), goal: { value: 2000 } },
    { what: "plan, unchanged", unit: "ms", croft: await medianOf(RUNS, () => croft("plan", site)), goal: { value: 1500 } },
    { what: "--help", unit: "ms", croft: await medianOf(RUNS, () => croft("--help")), other: node, goal: { value: 150 }, note: NODE },
    {
      what: "start and load the modules of up",
      unit: "ms",
      croft: await medianOf(RUNS, () => runProgram([process.execPath, "--input-type=module", "-e", modules])),
    },
  ];
};

export const run = (): Promise<readonly Row[]> =>
  withSite("portfolio", async (site) => {
    const first = await croft("up", "--yes", site);
    const commands = await commandRows(site);
    const rounds = await repeat(RUNS + 1, () => measurePhases(site));
    return [
      {
        what: "up, first run",
        unit: "s",
        croft: first.durationMs / 1000,
        goal: { value: 90 },
        note: "one run; images that are not cached are built in it",
      },
      ...commands,
      ...phaseRows(rounds.slice(1)),
    ];
  });
