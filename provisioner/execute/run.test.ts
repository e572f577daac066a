import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import type { DiffOptions } from "../plan/diff.ts";
import type { JsonObject, Observation, Resource, ResourceId } from "../plan/resource.ts";
import { makeFileStore } from "../state/file-store.ts";
import { emptyState } from "../state/store.ts";
import type { State, StateStore } from "../state/store.ts";
import { applyPlan, exitCodeOf, outcomeOf, planSite, refuseFindings } from "./apply.ts";
import type { ApplyInput, PlanInput } from "./apply.ts";
import type { Driver } from "./driver.ts";
import type { RunEvent } from "./events.ts";
import { readJournal } from "./journal.ts";
import type { RunResult } from "./run.ts";

const resource = (id: ResourceId, needs: readonly ResourceId[] = [], more: Partial<Resource> = {}): Resource => ({
  id,
  kind: "thing",
  host: "metal1",
  spec: { size: 1 },
  needs,
  ...more,
});

/** A world in memory, with a hook around every effect. */
type World = {
  readonly objects: Map<ResourceId, JsonObject>;
  readonly hidden: Map<ResourceId, ResourceId>;
  readonly log: string[];
  around: (what: string, signal: AbortSignal) => Promise<void>;
  observing: (id: ResourceId) => void;
};

const makeWorld = (): World => ({ objects: new Map(), hidden: new Map(), log: [], around: async () => {}, observing: () => {} });

const observe = (world: World, id: ResourceId): Observation => {
  world.observing(id);
  const by = world.hidden.get(id);
  const facts = world.objects.get(id);
  if (by !== undefined && !world.objects.has(by)) return { status: "hidden", by };
  return facts === undefined ? { status: "absent" } : { status: "present", facts };
};

const makeDriver = (world: World): Driver => ({
  kind: "thing",
  observe: async (requests) => new Map(requests.flatMap(({ id }) => (id === "thing/mute" ? [] : [[id, observe(world, id)] as const]))),
  apply: async ({ resource: { id, spec }, observed, progress, signal }) => {
    await world.around(`apply ${id}`, signal);
    progress(`saw ${observed.status}`);
    world.objects.set(id, spec);
    world.log.push(`apply ${id}`);
    return { made: id };
  },
  remove: async ({ recorded: { id, output }, progress, signal }) => {
    progress("going");
    await world.around(`remove ${id}`, signal);
    world.objects.delete(id);
    world.log.push(`remove ${id} ${JSON.stringify(output)}`);
  },
});

let folder: string;
let world: World;
let store: StateStore;
let events: RunEvent[];
let controller: AbortController;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-run-"));
  world = makeWorld();
  store = makeFileStore(join(folder, "state.json"));
  events = [];
  controller = new AbortController();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const currentState = async (): Promise<State> => (await store.read()) ?? emptyState("5173");

const planInput = async (desired: readonly Resource[], options: DiffOptions = {}): Promise<PlanInput> => ({
  site: "shop",
  environment: "default",
  desired,
  state: await currentState(),
  drivers: new Map([["thing", makeDriver(world)]]),
  journalFile: join(folder, "journal.ndjson"),
  hosts: {},
  options,
});

const apply = async (desired: readonly Resource[], options: DiffOptions = {}, more: Partial<ApplyInput> = {}): Promise<RunResult> => {
  const again: ApplyInput["again"] = async () => {
    const input = await planInput(desired, options);
    return { input, planned: await planSite(input) };
  };
  return applyPlan({
    first: (await again()).planned,
    again,
    store,
    lock: {
      file: join(folder, "lock"),
      ownerFile: join(folder, "owner.json"),
      waitMs: 0,
      times: { beatMs: 50, silentMs: 500, pollMs: 10 },
      say: () => {},
    },
    journalFile: join(folder, "journal.ndjson"),
    who: { user: "ada", host: "metal1", pid: 1, command: "croft up", croft: "0" },
    run: `run-${events.length}`,
    emit: (event) => events.push(event),
    now: () => "2026-01-01T00:00:00Z",
    monotonic: () => performance.now(),
    signal: controller.signal,
    perHost: 4,
    retry: { waits: [] },
    ...more,
  });
};

const said = (): readonly string[] =>
  events.map((event) => `${event.type} ${event.step.id}${event.type === "step-progress" ? `: ${event.text}` : ""}`);
const journalled = async (): Promise<readonly string[]> =>
  (await readJournal(join(folder, "journal.ndjson"))).map((entry) => ("step" in entry ? `${entry.type} ${entry.step}` : entry.type));
const exitCode = (result: RunResult): number => exitCodeOf(result, controller.signal);

describe("a whole run", () => {
  test("follows needs, journals, remembers, and has nothing to do afterwards", async () => {
    const result = await apply([resource("thing/b", ["thing/a"]), resource("thing/a")]);
    expect(result).toMatchObject({ done: ["thing/a", "thing/b"], failed: [], differs: [], notStarted: [] });
    expect(exitCode(result)).toBe(0);
    expect(await journalled()).toEqual(["run-started", "intent thing/a", "done thing/a", "intent thing/b", "done thing/b", "run-ended"]);
    expect(said()).toEqual([
      "step-started thing/a",
      "step-progress thing/a: saw absent",
      "step-done thing/a",
      "step-started thing/b",
      "step-progress thing/b: saw absent",
      "step-done thing/b",
    ]);
    expect((await store.read())?.resources.map(({ id, output }) => [id, output])).toEqual([
      ["thing/a", { made: "thing/a" }],
      ["thing/b", { made: "thing/b" }],
    ]);
    expect(
      (await planSite(await planInput([resource("thing/b", ["thing/a"]), resource("thing/a")]))).plan.steps.map(({ action }) => action),
    ).toEqual(["keep", "keep"]);
  });

  test("runs at most so many steps of a host at once", async () => {
    let now = 0;
    let most = 0;
    let wanted = 3;
    let full = Promise.withResolvers<void>();
    world.around = async () => {
      most = Math.max(most, (now += 1));
      if (now === wanted) full.resolve();
      await full.promise;
      await sleep(1);
      now -= 1;
    };
    const many = Array.from({ length: 12 }, (_, index) => resource(`thing/${index}`));
    await apply(many, {}, { perHost: 3 });
    expect(most).toBe(3);
    wanted = 12;
    full = Promise.withResolvers<void>();
    await apply(
      many.map((item) => ({ ...item, host: item.id, spec: { size: 2 } })),
      {},
      { perHost: 1 },
    );
    expect(most).toBe(12);
  });

  test("takes away in reverse and leaves the cache", async () => {
    const site = [
      resource("thing/a", [], { cached: true, lostWith: [], keptWith: [] }),
      resource("thing/b", ["thing/a"]),
      resource("thing/c", ["thing/b"]),
    ];
    await apply(site);
    const result = await apply([], { destroy: true });
    expect(world.log.slice(3)).toEqual(['remove thing/c {"made":"thing/c"}', 'remove thing/b {"made":"thing/b"}']);
    expect(result.done).toEqual(["thing/c", "thing/b", "thing/a"]);
    expect((await store.read())?.resources).toEqual([]);
  });

  test("keeps data, and uses it again", async () => {
    await apply([resource("thing/disk", [], { data: true })]);
    await apply([], { destroy: true });
    expect((await store.read())?.resources).toMatchObject([{ id: "thing/disk", status: "kept" }]);
    await apply([resource("thing/disk", [], { data: true })]);
    expect((await store.read())?.resources).toMatchObject([{ id: "thing/disk", status: "active" }]);
  });

  test("what is kept is remembered with the needs of today", async () => {
    await apply([resource("thing/a"), resource("thing/b")]);
    await apply([resource("thing/a"), resource("thing/b", ["thing/a"]), resource("thing/c")]);
    expect((await store.read())?.resources.find(({ id }) => id === "thing/b")?.needs).toEqual(["thing/a"]);
  });

  test("an empty plan is no run: no lock, no journal, no state", async () => {
    await expect(apply([])).rejects.toMatchObject({ code: "BUG" });
    expect(await store.read()).toBeUndefined();
    expect(await journalled()).toEqual([]);
  });
});

describe("failure", () => {
  const site = [resource("thing/a"), resource("thing/b"), resource("thing/c", ["thing/a"])];

  test("stops new work, lets running steps settle, names all ends", async () => {
    world.around = async (what) => {
      if (what === "apply thing/a") throw new Error("no room", { cause: new Error("disk full") });
      await sleep(20);
    };
    const result = await apply(site);
    expect(result).toMatchObject({
      done: ["thing/b"],
      failed: [{ step: { id: "thing/a" }, error: { message: "no room" } }],
      notStarted: ["thing/c"],
    });
    expect(outcomeOf(result, controller.signal)).toBe("failed");
    expect(exitCode(result)).toBe(1);
    expect(await readJournal(join(folder, "journal.ndjson"))).toContainEqual(
      expect.objectContaining({ type: "failed", step: "thing/a", error: "no room: disk full" }),
    );
    world.around = async () => {};
    expect((await planSite(await planInput(site))).plan.steps.map(({ id, reason }) => `${id}: ${reason}`)).toEqual([
      "thing/a: an earlier run did not finish it",
      "thing/b: as wanted",
      "thing/c: new",
    ]);
    expect(exitCode(await apply(site))).toBe(0);
  });

  test("that passes is tried again, each try journalled", async () => {
    let failures = 2;
    world.around = async () => {
      if (failures-- > 0) throw new CroftError("TRANSPORT", "connection lost", { transient: true });
    };
    const result = await apply([resource("thing/a")], {}, { retry: { waits: [1, 2, 3] } });
    expect(result.done).toEqual(["thing/a"]);
    expect(await journalled()).toEqual([
      "run-started",
      "intent thing/a",
      "failed thing/a",
      "intent thing/a",
      "failed thing/a",
      "intent thing/a",
      "done thing/a",
      "run-ended",
    ]);
    expect(said()).toContain("step-progress thing/a: connection lost; again in 0.001 s");
  });

  test("of the state: exit 74, and the next run knows", async () => {
    const full: StateStore = {
      ...store,
      write: async (state) => (state.serial > 1 ? Promise.reject(new CroftError("STATE_IO", "disk full")) : store.write(state)),
    };
    const result = await apply([resource("thing/a")], {}, { store: full });
    expect(result.failed).toMatchObject([{ error: { code: "STATE_IO" } }]);
    expect(exitCode(result)).toBe(74);
    expect((await planSite(await planInput([]))).plan.steps).toMatchObject([{ id: "thing/a", action: "remove" }]);
    await apply([]);
    expect(world.log.at(-1)).toBe('remove thing/a {"made":"thing/a"}');
  });

  test("of the linter under the lock: nothing is done", async () => {
    const disk = resource("thing/disk", [], { data: true });
    await apply([disk]);
    await expect(apply([])).rejects.toMatchObject({ code: "PLAN_INVALID", hint: "if that is what you want: --allow-destroy thing/disk" });
    expect(() =>
      refuseFindings([
        { level: "error", message: "a" },
        { level: "warning", message: "w" },
        { level: "error", message: "b" },
      ]),
    ).toThrow(expect.objectContaining({ message: "a", tail: "b", hint: undefined }) as Error);
    expect(() => refuseFindings([{ level: "warning", message: "w" }])).not.toThrow();
  });

  test("of a driver that is missing, of a step that nobody desires: a bug, said so", async () => {
    await expect(apply([resource("other/x", [], { kind: "other" })])).rejects.toMatchObject({
      code: "BUG",
      message: "no driver for resources of kind other",
    });
    const first = await planSite(await planInput([resource("thing/a")]));
    const again = async () => ({ input: await planInput([]), planned: first });
    expect((await apply([resource("thing/a")], {}, { first, again })).failed).toMatchObject([{ error: { code: "BUG" } }]);
  });
});

describe("what killed runs began", () => {
  test("is taken away even if nobody desires it any more", async () => {
    const result = await apply(
      [resource("thing/a")],
      {},
      {
        emit: (event) => (event.type === "step-progress" ? world.objects.set("thing/a", {}) : events.push(event)),
        store: {
          ...store,
          write: async (state) => (state.serial > 1 ? new Promise<void>((_, reject) => reject(new Error("killed"))) : store.write(state)),
        },
      },
    );
    expect(result.failed).toHaveLength(1);
    expect((await store.read())?.resources).toEqual([]);
    await apply([]);
    expect([...world.objects.keys()]).toEqual([]);
    expect((await planSite(await planInput([]))).plan.steps).toEqual([]);
  });
});

describe("interruption", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("%s stops at a step border with %i", async (signal, code) => {
    world.around = async () => controller.abort(signal);
    const result = await apply([resource("thing/a"), resource("thing/b", ["thing/a"])]);
    expect(result).toMatchObject({ done: ["thing/a"], notStarted: ["thing/b"] });
    expect(exitCode(result)).toBe(code);
    expect((await readJournal(join(folder, "journal.ndjson"))).at(-1)).toMatchObject({ type: "run-ended", outcome: "interrupted" });
  });

  test("during the last step it came too late to matter", async () => {
    world.around = async () => controller.abort("SIGINT");
    expect(exitCode(await apply([resource("thing/a")]))).toBe(0);
  });

  test("a lost lock stops the run", async () => {
    world.around = async () => {
      const { readFile } = await import("node:fs/promises");
      const pids = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")).trim().split(" ").map(Number);
      for (const pid of pids) if ((await readFile(`/proc/${pid}/comm`, "utf8")).trim() === "flock") process.kill(pid, "SIGKILL");
      await sleep(50);
    };
    await expect(apply([resource("thing/a"), resource("thing/b", ["thing/a"])])).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining("taken away") as string,
    });
    expect(world.log).toEqual(["apply thing/a"]);
  });
});

describe("what was hidden", () => {
  const site = [resource("thing/machine"), resource("thing/role", ["thing/machine"]), resource("thing/grant", ["thing/role"])];
  beforeEach(async () => {
    await apply(site);
    world.hidden.set("thing/role", "thing/machine");
    world.objects.delete("thing/machine");
    events.length = 0;
    world.log.length = 0;
  });

  test("and is as wanted is only looked at", async () => {
    expect(exitCode(await apply(site))).toBe(0);
    expect(world.log).toEqual(["apply thing/machine"]);
  });

  test.each<[string, (world: World) => void, string]>([
    ["differs", ({ objects }) => objects.set("thing/role", { size: 9 }), "different: size"],
    ["is gone", ({ objects }) => objects.delete("thing/role"), "it is gone"],
    ["stays hidden", ({ hidden }) => hidden.set("thing/role", "thing/never"), "still hidden by thing/never"],
  ])("and %s ends with 2; what waits for it is not started, the rest goes on", async (_, spoil, reason) => {
    spoil(world);
    const more = [
      ...site.slice(0, 2),
      resource("thing/grant", ["thing/role"], { spec: { size: 2 } }),
      resource("thing/other", ["thing/machine"]),
    ];
    const result = await apply(more);
    expect(result).toMatchObject({ differs: ["thing/role"], notStarted: ["thing/grant"], failed: [] });
    expect(exitCode(result)).toBe(2);
    expect(events).toContainEqual(expect.objectContaining({ type: "step-differs", reason }));
    expect(world.log).toEqual(["apply thing/machine", "apply thing/other"]);
  });

  test("and changes is seen before it is changed", async () => {
    await apply([site[0] as Resource, resource("thing/role", ["thing/machine"], { spec: { size: 5 } })]);
    expect(said()).toContain("step-progress thing/role: saw present");
  });
});

test("a driver that says nothing of a resource says it is absent", async () => {
  expect((await apply([resource("thing/mute")])).done).toEqual(["thing/mute"]);
  world.hidden.set("thing/mute", "thing/x");
  expect((await planSite(await planInput([resource("thing/mute")]))).plan.steps[0]?.action).toBe("create");
});

test("a plan that no longer fits is refused, with what changed, and nothing is done", async () => {
  let looks = 0;
  world.observing = () => {
    if ((looks += 1) === 2) world.objects.set("thing/a", { size: 7 });
  };
  await expect(apply([resource("thing/a"), resource("thing/b")])).rejects.toMatchObject({
    code: "PLAN_STALE",
    exitCode: 65,
    tail: expect.stringContaining("thing/a: create") as string,
  });
  expect(world.log).toEqual([]);
  expect(await journalled()).toEqual([]);
});
