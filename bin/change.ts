/** What `up` and `destroy` share: plan, show, ask, do, and say how it ended. */
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { CroftError, EXIT } from "../provisioner/errors.ts";
import { applyPlan, exitCodeOf, planSite, refuseFindings } from "../provisioner/execute/apply.ts";
import type { PlanInput, Planned } from "../provisioner/execute/apply.ts";
import { setFaults } from "../provisioner/execute/faults.ts";
import { makeSimulatedDrivers, simulatePlan } from "../provisioner/execute/simulate.ts";
import type { RunResult } from "../provisioner/execute/run.ts";
import { describeRotations } from "../provisioner/model/rotation.ts";
import { isEmpty } from "../provisioner/plan/diff.ts";
import type { DiffOptions } from "../provisioner/plan/diff.ts";
import { spareMemory, sumTotals } from "../provisioner/plan/lint.ts";
import { planToJson, printPlan } from "../provisioner/plan/print.ts";
import type { Plan, Resource } from "../provisioner/plan/resource.ts";
import type { State } from "../provisioner/state/store.ts";
import { checkCapacity } from "../provisioner/config/capacity.ts";
import { checkIssuers, issuersOf } from "../provisioner/config/issuers.ts";
import type { Problem } from "../provisioner/config/problem.ts";
import { networkFindings } from "./clash.ts";
import { askIssuers } from "./issuers.ts";
import type { Loaded } from "./load.ts";
import type { Io } from "./main.ts";
import { isRotating, planOnward } from "./onward.ts";
import type { Look } from "./onward.ts";
import { makeOutput, seconds, slowest } from "./output.ts";
import type { World } from "./world.ts";

export type ChangeOptions = {
  readonly json: boolean;
  readonly yes: boolean;
  readonly waitMs: number;
  readonly diff: DiffOptions;
  /** Only show. */
  readonly planOnly: boolean;
  /** What a run changes of the state before anything is desired: a rotation begins. */
  readonly prepare?: (state: State) => State;
  /** What is desired of a state; destroy desires nothing. */
  readonly desire: (loaded: Loaded, state: State) => { readonly resources: readonly Resource[]; readonly state: State };
  /** Throws where this is not the plan that was saved. */
  readonly refuse?: (plan: Plan, desired: { readonly resources: readonly Resource[]; readonly state: State }) => void;
  readonly question: string;
  /** On fakes in memory: the host is neither looked at nor touched, and nothing is written. */
  readonly simulate?: boolean;
};

export type Changed = {
  readonly exitCode: number;
  readonly planned: Planned;
  readonly result: RunResult | undefined;
  readonly state: State;
  readonly desired: readonly Resource[];
};

const CROFT_VERSION = "0.1.0";
const PER_HOST = 6;
const SIMULATION = "Simulation, on fakes in memory: this host is neither looked at nor touched; what is recorded counts as in place.\n";

export const ask = async (question: string): Promise<boolean> => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close());
  return /^y(es)?$/i.test(answer.trim());
};

/** SIGINT and SIGTERM end the run at the next step border. */
const watchSignals = (io: Io): { readonly signal: AbortSignal; readonly stop: () => void } => {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    io.error(`\n${name}: finishing the steps that run, starting no new ones`);
    controller.abort(name);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return { signal: controller.signal, stop: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal) };
};

const planInputOf = async (
  loaded: Loaded,
  world: Pick<World, "drivers">,
  desired: { resources: readonly Resource[]; state: State },
  { diff, simulate }: ChangeOptions,
): Promise<PlanInput> => ({
  site: loaded.model.site,
  environment: loaded.model.environment,
  desired: desired.resources,
  state: desired.state,
  drivers: world.drivers,
  journalFile: simulate === true ? "/dev/null" : loaded.paths.journal,
  hosts: simulate === true ? {} : await loaded.hosts(),
  options: diff,
  findings:
    simulate === true
      ? []
      : await networkFindings({ model: loaded.model, roots: loaded.roots, desired: desired.resources, state: desired.state }),
});

/** What the file asks of the world around it: host, providers elsewhere. @throws ConfigProblems; what it only doubts is returned. */
const judgeSurroundings = async (loaded: Loaded, simulate: boolean): Promise<readonly Problem[]> => {
  if (simulate) return loaded.warnings;
  const { model, locate } = loaded;
  const spare = Object.fromEntries(Object.entries(await loaded.hosts()).map(([name, size]) => [name, spareMemory(size)]));
  const found = [...checkCapacity(model, locate, spare), ...checkIssuers(model, locate, await askIssuers(issuersOf(model)))];
  const errors = found.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw loaded.explain(errors);
  return [...loaded.warnings, ...found];
};

const showPlan = (io: Io, planned: Planned, input: PlanInput, json: boolean): void => {
  const totals = sumTotals(input.desired, input.hosts);
  if (!json) describeRotations(input.state).forEach((line) => io.out(line));
  io.out(json ? planToJson(planned.plan, totals) : printPlan(planned.plan, { color: io.color, totals }));
  if (!json) planned.findings.filter((finding) => finding.level === "warning").forEach((finding) => io.out(`warning: ${finding.message}`));
};

const endText = (result: RunResult, exitCode: number, tookMs: number, simulated: boolean): string => {
  if (simulated && exitCode === EXIT.ok)
    return `Simulated: ${result.done.length} steps. Nothing on this host was touched, nothing was written.`;
  const failed = result.failed.map(({ step }) => step.id).join(", ");
  if (exitCode === EXIT.ok) return `Done: ${result.done.length} steps in ${seconds(tookMs)}.`;
  if (exitCode === EXIT.changes)
    return `Done in ${seconds(tookMs)}, but ${result.differs.join(", ")} turned out different: run \`croft up\` again to see and repair it.`;
  if (exitCode === EXIT.failed || exitCode === EXIT.io)
    return `Failed at ${failed} after ${seconds(tookMs)}; ${result.done.length} steps are done, ${result.notStarted.length} were not started. Running the same command again goes on from here.`;
  return `Interrupted at a step border after ${seconds(tookMs)}; ${result.done.length} steps are done, ${result.notStarted.length} were not started.`;
};

export type RunOptions = { readonly json: boolean; readonly waitMs: number };

export type Ended = Omit<Changed, "desired">;
type Common = Pick<Parameters<typeof applyPlan>[0], "emit" | "now" | "monotonic" | "signal" | "perHost">;
type Shown = { readonly json: boolean; readonly simulate: boolean };

const endJson = (result: RunResult, exitCode: number, tookMs: number, simulated: boolean): string =>
  JSON.stringify({
    type: "run-ended",
    ...(simulated ? { simulated } : {}),
    exitCode,
    durationMs: Math.round(tookMs),
    done: result.done,
    failed: result.failed.map(({ step }) => step.id),
    notStarted: result.notStarted,
  });

/** Live output, signals and the last word around a run. */
const runShown = async (io: Io, shown: Shown, planned: Planned, start: (common: Common) => Promise<RunResult>): Promise<Ended> => {
  const { emit, timings, end } = makeOutput(io, shown.json);
  const { signal, stop } = watchSignals(io);
  setFaults({
    ...(io.environment["CROFT_FAULT"] === undefined ? {} : { kill: io.environment["CROFT_FAULT"] }),
    ...(io.environment["CROFT_FAULT_RECORD"] === undefined ? {} : { record: io.environment["CROFT_FAULT_RECORD"] }),
  });
  const started = performance.now();
  const common = { emit, now: () => new Date().toISOString(), monotonic: () => performance.now(), signal, perHost: PER_HOST };
  const result = await start(common).finally(() => {
    stop();
    end();
  });
  const exitCode = exitCodeOf(result, signal);
  const took = performance.now() - started;
  io.out(shown.json ? endJson(result, exitCode, took, shown.simulate) : `\n${endText(result, exitCode, took, shown.simulate)}`);
  if (!shown.json && took > 2000) io.out(`Longest: ${slowest(timings(), 4)}.`);
  return { exitCode, planned, result, state: result.state };
};

/** Does a plan under the site's lock and in its journal, once `again` has made the same plan of what is there then. */
export const runPlanned = (
  loaded: Loaded,
  io: Io,
  options: RunOptions,
  first: Planned,
  again: (state: State) => Promise<Look>,
): Promise<Ended> =>
  runShown(io, { json: options.json, simulate: false }, first, (common) =>
    applyPlan({
      ...common,
      first,
      again: async () => {
        const state = (await loaded.store.read()) ?? loaded.state;
        if (state.siteId !== loaded.state.siteId)
          throw new CroftError("PLAN_STALE", "another run created this site meanwhile; nothing was done", { hint: "croft up" });
        return again(state);
      },
      store: loaded.store,
      lock: { file: loaded.paths.lock, ownerFile: loaded.paths.owner, waitMs: options.waitMs, say: (text) => io.error(text) },
      journalFile: loaded.paths.journal,
      who: {
        user: userInfo().username,
        host: hostname(),
        pid: process.pid,
        command: ["croft", ...process.argv.slice(2)].join(" "),
        croft: CROFT_VERSION,
      },
      run: randomUUID(),
    }),
  );

type Worlds = {
  readonly of: (state: State, resources: readonly Resource[]) => Pick<World, "drivers">;
  readonly close: () => Promise<void>;
};

/** A world knows which version of a secret is meant: each phase of a rotation has its own. */
const openWorlds = (loaded: Loaded, simulate: boolean): Worlds => {
  const open = new Map<string, Pick<World, "drivers" | "close">>();
  return {
    of: (state, resources) => {
      const key = JSON.stringify([state.rotations, state.rotating]);
      const found = open.get(key);
      if (found !== undefined) return found;
      const made = simulate
        ? { drivers: makeSimulatedDrivers(resources, state.resources), close: async () => {} }
        : loaded.openWorld(state, loaded.desired);
      open.set(key, made);
      return made;
    },
    close: async () => void (await Promise.all([...open.values()].map((world) => world.close()))),
  };
};

const lookAt = (loaded: Loaded, worlds: Worlds, options: ChangeOptions, state: State): Promise<Look> => {
  const look = async (phase: State): Promise<Look> => {
    const desired = options.desire(loaded, phase);
    const input = await planInputOf(loaded, worlds.of(desired.state, desired.resources), desired, options);
    return { input, planned: await planSite(input) };
  };
  const prepared = options.prepare?.(state) ?? state;
  return options.diff.destroy === true ? look(prepared) : planOnward(prepared, look);
};

const runChange = async (loaded: Loaded, io: Io, options: ChangeOptions, worlds: Worlds, first: Look): Promise<Changed> => {
  const { planned, input } = first;
  const ended =
    options.simulate === true
      ? runShown(io, { json: options.json, simulate: true }, planned, (common) => simulatePlan({ ...common, planned, input }))
      : runPlanned(loaded, io, options, planned, (state) => lookAt(loaded, worlds, options, state));
  return { ...(await ended), desired: input.desired };
};

/** Plans, shows, asks on a terminal, does. @throws CroftError before anything was changed. */
export const change = async (loaded: Loaded, io: Io, options: ChangeOptions): Promise<Changed> => {
  const warnings = options.diff.destroy === true ? [] : await judgeSurroundings(loaded, options.simulate === true);
  const worlds = openWorlds(loaded, options.simulate === true);
  if (options.simulate === true && !options.json) io.out(SIMULATION);
  try {
    const first = await lookAt(loaded, worlds, options, loaded.state);
    const { planned, input } = first;
    options.refuse?.(planned.plan, { resources: input.desired, state: input.state });
    showPlan(io, planned, input, options.json);
    if (warnings.length > 0 && !options.json) io.out(loaded.explain(warnings).message);
    refuseFindings(planned.findings);
    const unchanged = { planned, result: undefined, state: input.state, desired: input.desired };
    if (options.planOnly || isEmpty(planned.plan)) return { ...unchanged, exitCode: EXIT.ok };
    if (io.interactive && !options.yes && !(await ask(`\n${options.question}`))) {
      io.out("Nothing was done.");
      return { ...unchanged, exitCode: EXIT.failed };
    }
    if (!options.json) io.out("");
    return await runChange(loaded, io, options, worlds, first);
  } finally {
    await worlds.close();
  }
};

/** `change`, and then what is left of rotations: each phase a plan and a run of its own. */
export const changeThrough = async (loaded: Loaded, io: Io, options: ChangeOptions): Promise<Changed> => {
  const changed = await change(loaded, io, options);
  if (changed.exitCode !== EXIT.ok || changed.result === undefined || !isRotating(changed.state)) return changed;
  if (!options.json) io.out("");
  const { prepare: _, refuse: __, ...rest } = options;
  return changeThrough({ ...loaded, state: changed.state }, io, { ...rest, yes: true });
};
