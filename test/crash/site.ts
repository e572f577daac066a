/** One whole run of croft on a fake world, as `bin/` composes it: plan, lock, plan again, do. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { applyPlan, planSite, refuseFindings } from "../../provisioner/execute/apply.ts";
import type { PlanInput, Planned } from "../../provisioner/execute/apply.ts";
import type { RunResult } from "../../provisioner/execute/run.ts";
import { isRotating, planOnward } from "../../bin/onward.ts";
import type { Look } from "../../bin/onward.ts";
import { beginRotation, rotationIn } from "../../provisioner/model/rotation.ts";
import { isEmpty } from "../../provisioner/plan/diff.ts";
import type { DiffOptions } from "../../provisioner/plan/diff.ts";
import type { Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import { makeFileStore } from "../../provisioner/state/file-store.ts";
import { emptyState } from "../../provisioner/state/store.ts";
import type { State } from "../../provisioner/state/store.ts";
import { makeFakeDrivers } from "./fake-world.ts";
import type { FakeOptions } from "./fake-world.ts";
import type { Portfolio } from "./portfolio.ts";

/** Ids of objects to what hides them, so that a scene can be written to a file. */
export type Scene = {
  readonly desired: readonly Resource[];
  /** What a real site is desired from, instead: anew in every run, from what state remembers. */
  readonly portfolio?: Portfolio;
  /** What state remembers beside resources, where `desired` was worked out beforehand. */
  readonly remembers?: Pick<State, "addresses" | "hosts">;
  readonly hidden: Readonly<Record<ResourceId, ResourceId>>;
  /** Of everything that any run on the folder ever desired. */
  readonly kinds: readonly string[];
  readonly options: DiffOptions;
  /** A secret that is rotated, once on a folder, as `croft secret rotate` does it. */
  readonly rotate?: string;
};

export const makeScene = (
  desired: readonly Resource[],
  all: readonly Resource[],
  hiddenBy: (id: ResourceId) => ResourceId | undefined,
  options: DiffOptions = {},
): Scene => ({
  desired,
  hidden: Object.fromEntries(all.flatMap(({ id }) => (hiddenBy(id) === undefined ? [] : [[id, hiddenBy(id) as ResourceId]]))),
  kinds: [...new Set(all.map(({ kind }) => kind))],
  options,
});

const PAYLOAD_FREE = (key: string, value: unknown): unknown => (key === "payload" ? undefined : value);
export const writeScene = (file: string, scene: Scene): Promise<void> => writeFile(file, JSON.stringify(scene, PAYLOAD_FREE));
export const readScene = async (file: string): Promise<Scene> => JSON.parse(await readFile(file, "utf8")) as Scene;

export const worldFolder = (folder: string): string => join(folder, "world");

type Desired = { readonly desired: readonly Resource[]; readonly remembers: Pick<State, "addresses" | "hosts"> };

const desire = async (scene: Scene, state: State): Promise<Desired> => {
  if (scene.portfolio === undefined) return { desired: scene.desired, remembers: scene.remembers ?? state };
  const { desirePortfolio } = await import("./portfolio.ts");
  const { resources, addresses, hosts } = desirePortfolio(scene.portfolio, state);
  return { desired: resources, remembers: { addresses: { ...state.addresses, ...Object.fromEntries(addresses) }, hosts } };
};

const readState = async (folder: string, { rotate }: Scene): Promise<State> => {
  const found = (await makeFileStore(join(folder, "state.json")).read()) ?? emptyState(randomBytes(16).toString("hex"));
  return rotate === undefined || rotationIn(found, rotate).turn > 0 ? found : beginRotation(found, rotate, false);
};

/** What the next run on this folder desires, worked out: a process that reads it loads no domain. Phases of a rotation differ, so they are not. */
export const settleScene = async (folder: string, scene: Scene): Promise<Scene> => {
  const state = await readState(folder, scene);
  if (scene.portfolio === undefined || isRotating(state)) return scene;
  const { portfolio: _, ...rest } = scene;
  return { ...rest, ...(await desire(scene, state)) };
};

const planInputOf = async (folder: string, scene: Scene, fake: FakeOptions, found: State): Promise<PlanInput> => {
  const { desired, remembers } = await desire(scene, found);
  const drivers = makeFakeDrivers(worldFolder(folder), scene.kinds, { hiddenBy: (id) => scene.hidden[id], ...fake });
  return {
    site: "shop",
    environment: "default",
    desired,
    state: { ...found, addresses: remembers.addresses, hosts: remembers.hosts },
    drivers,
    journalFile: join(folder, "journal.ndjson"),
    hosts: {},
    options: scene.options,
  };
};

const look = async (folder: string, scene: Scene, fake: FakeOptions): Promise<Look> =>
  planOnward(await readState(folder, scene), async (state) => {
    const input = await planInputOf(folder, scene, fake, state);
    return { input, planned: await planSite(input) };
  });

export const plan = async (folder: string, scene: Scene, fake: FakeOptions = {}): Promise<Planned> =>
  (await look(folder, scene, fake)).planned;

/** Every phase of what rotates. Undefined where there was nothing to do. @throws CroftError */
export const run = async (folder: string, scene: Scene, fake: FakeOptions = {}): Promise<RunResult | undefined> => {
  const result = await runOnce(folder, scene, fake);
  return result !== undefined && result.failed.length === 0 && isRotating(result.state) ? run(folder, scene, fake) : result;
};

/** One plan and its run: one phase of what rotates. */
export const runOnce = async (folder: string, scene: Scene, fake: FakeOptions): Promise<RunResult | undefined> => {
  const first = await plan(folder, scene, fake);
  refuseFindings(first.findings);
  if (isEmpty(first.plan)) return undefined;
  return applyPlan({
    first,
    again: () => look(folder, scene, fake),
    store: makeFileStore(join(folder, "state.json")),
    lock: {
      file: join(folder, "lock"),
      ownerFile: join(folder, "lock.owner.json"),
      waitMs: 0,
      times: { beatMs: 50, silentMs: 2000, pollMs: 10 },
      say: () => {},
    },
    journalFile: join(folder, "journal.ndjson"),
    who: { user: "test", host: "here", pid: process.pid, command: "croft up", croft: "0" },
    run: randomUUID(),
    emit: () => {},
    now: () => new Date().toISOString(),
    monotonic: () => performance.now(),
    signal: new AbortController().signal,
    perHost: 1,
    retry: { waits: [] },
  });
};
