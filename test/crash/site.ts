/** One whole run of croft on a fake world, as `bin/` composes it: plan, lock, plan again, do. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { applyPlan, planSite, refuseFindings } from "../../provisioner/execute/apply.ts";
import type { PlanInput, Planned } from "../../provisioner/execute/apply.ts";
import type { RunResult } from "../../provisioner/execute/run.ts";
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

const readState = async (folder: string): Promise<State> =>
  (await makeFileStore(join(folder, "state.json")).read()) ?? emptyState(randomBytes(16).toString("hex"));

/** What the next run on this folder desires, worked out: a process that reads it loads no domain. */
export const settleScene = async (folder: string, { portfolio, ...scene }: Scene): Promise<Scene> =>
  portfolio === undefined ? scene : { ...scene, ...(await desire({ ...scene, portfolio }, await readState(folder))) };

const planInputOf = async (folder: string, scene: Scene, fake: FakeOptions): Promise<PlanInput> => {
  const found = await readState(folder);
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

export const plan = async (folder: string, scene: Scene, fake: FakeOptions = {}): Promise<Planned> =>
  planSite(await planInputOf(folder, scene, fake));

/** Undefined where there was nothing to do. @throws CroftError */
export const run = async (folder: string, scene: Scene, fake: FakeOptions = {}): Promise<RunResult | undefined> => {
  const first = await plan(folder, scene, fake);
  refuseFindings(first.findings);
  if (isEmpty(first.plan)) return undefined;
  const siteOf = async () => {
    const input = await planInputOf(folder, scene, fake);
    return { input, planned: await planSite(input) };
  };
  return applyPlan({
    first,
    again: siteOf,
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
