import { describe, expect, test } from "vitest";
import { hashSteps, isEmpty, makePlan, planDifferences } from "./diff.ts";
import type { DiffInput } from "./diff.ts";
import type { Observation, Plan, Recorded, Resource, ResourceId, Step } from "./resource.ts";

const resource = (id: ResourceId, more: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.split("/")[0] as string,
  host: "metal1",
  spec: { size: 1 },
  needs: [],
  ...more,
});
const record = (from: Resource, more: Partial<Recorded> = {}): Recorded => {
  const { payload: _payload, replaceOn: _replaceOn, interrupts: _interrupts, uses: _uses, ...rest } = from;
  return { ...rest, output: {}, status: "active", ...more };
};
const present = (facts: Resource["spec"] = { size: 1 }): Observation => ({ status: "present", facts });
const hidden = (by: ResourceId): Observation => ({ status: "hidden", by });
const absent: Observation = { status: "absent" };

type Case = {
  readonly desired?: readonly Resource[];
  readonly recorded?: readonly Recorded[];
  readonly observed?: Readonly<Record<ResourceId, Observation>>;
  readonly unfinished?: readonly ResourceId[];
  readonly options?: DiffInput["options"];
};

const planOf = ({ desired = [], recorded = [], observed = {}, unfinished, options }: Case): Plan =>
  makePlan({
    site: "shop",
    environment: "default",
    desired,
    recorded: new Map(recorded.map((item) => [item.id, item])),
    observed: new Map(Object.entries(observed)),
    ...(unfinished === undefined ? {} : { unfinished: new Set(unfinished) }),
    ...(options === undefined ? {} : { options }),
  });

const stepOf = (plan: Plan, id: ResourceId): Step => plan.steps.find((step) => step.id === id) as Step;
const lines = (plan: Plan): readonly string[] => plan.steps.map(({ id, action, reason }) => `${action} ${id}: ${reason}`);

const disk = resource("disk/data", { data: true });
const machine = resource("machine/db", { needs: ["disk/data"], replaceOn: ["image"], spec: { size: 1, image: "a" } });
const generation = resource("generation/db", { needs: ["machine/db"], lostWith: ["machine/db"] });
const role = resource("role/shop", { needs: ["generation/db"], lostWith: ["disk/data"], keptWith: ["disk/data"] });

describe("one desired resource", () => {
  const one = resource("machine/x");
  const noted = record(one);
  test.each<[string, Case, string]>([
    ["equal", { recorded: [noted], observed: { "machine/x": present() } }, "keep machine/x: as wanted"],
    ["new", { observed: { "machine/x": absent } }, "create machine/x: new"],
    ["not observed at all", {}, "create machine/x: new"],
    ["gone", { recorded: [noted], observed: { "machine/x": absent } }, "create machine/x: was created by croft and is gone"],
    ["unfinished and absent", { unfinished: ["machine/x"] }, "create machine/x: an earlier run did not finish it"],
    [
      "unfinished and different",
      { unfinished: ["machine/x"], observed: { "machine/x": present({}) } },
      "update machine/x: an earlier run did not finish it",
    ],
    [
      "unfinished and equal",
      { unfinished: ["machine/x"], recorded: [noted], observed: { "machine/x": present() } },
      "update machine/x: an earlier run did not finish it",
    ],
    [
      "unfinished and hidden",
      { unfinished: ["machine/x"], recorded: [noted], observed: { "machine/x": hidden("host/a") } },
      "update machine/x: an earlier run did not finish it",
    ],
    [
      "unfinished, hidden, unrecorded",
      { unfinished: ["machine/x"], observed: { "machine/x": hidden("host/a") } },
      "create machine/x: an earlier run did not finish it",
    ],
    ["there and unrecorded", { observed: { "machine/x": present() } }, "update machine/x: there already; croft takes note of it"],
    ["there, unrecorded, different", { observed: { "machine/x": present({ size: 2 }) } }, "update machine/x: there, but not as wanted"],
    [
      "drifted",
      { recorded: [noted], observed: { "machine/x": present({ size: 2 }) } },
      "update machine/x: drifted from what croft applied",
    ],
    [
      "changed",
      { recorded: [record(one, { spec: { size: 2 } })], observed: { "machine/x": present({ size: 2 }) } },
      "update machine/x: configuration changed",
    ],
    [
      "changed by hand into what is wanted",
      { recorded: [record(one, { spec: { size: 2 } })], observed: { "machine/x": present() } },
      "update machine/x: as wanted already; croft takes note of it",
    ],
    [
      "kept data, in use again",
      { recorded: [record(one, { status: "kept" })], observed: { "machine/x": present() } },
      "update machine/x: its data stayed; in use again",
    ],
    [
      "hidden and recorded",
      { recorded: [noted], observed: { "machine/x": hidden("host/a") } },
      "verify machine/x: verify after host/a starts",
    ],
    ["hidden and new", { observed: { "machine/x": hidden("host/a") } }, "create machine/x: new; host/a hides whether it is there"],
    [
      "hidden and changed",
      { recorded: [record(one, { spec: { size: 2 } })], observed: { "machine/x": hidden("host/a") } },
      "update machine/x: configuration changed; host/a hides it now",
    ],
  ])("%s", (_, input, line) => {
    expect(lines(planOf({ desired: [one], ...input }))).toEqual([line]);
  });
});

describe("replacement", () => {
  const recorded = [record(disk), record(machine), record(generation), record(role)];
  const observed = {
    "disk/data": present(),
    "machine/db": present({ size: 1, image: "old" }),
    "generation/db": present(),
    "role/shop": hidden("machine/db"),
  };

  test("of a carrier takes what lives on it, and not what lives elsewhere", () => {
    const plan = planOf({ desired: [disk, machine, generation, role], recorded, observed });
    expect(lines(plan)).toEqual([
      "keep disk/data: as wanted",
      "replace machine/db: drifted from what croft applied",
      "create generation/db: lives on machine/db, which is replaced",
      "verify role/shop: verify after machine/db starts",
    ]);
    expect(stepOf(plan, "machine/db").changes).toEqual([{ path: "image", from: "old", to: "a", forcesReplacement: true }]);
    expect(stepOf(plan, "role/shop").after).toEqual(["generation/db", "machine/db"]);
  });

  test("a new carrier's passengers are simply new", () => {
    expect(lines(planOf({ desired: [machine, generation], observed: { "generation/db": hidden("machine/db") } }))[1]).toBe(
      "create generation/db: new",
    );
    expect(
      lines(planOf({ desired: [resource("slot/a", { needs: ["machine/db"] }), machine], observed: { "slot/a": hidden("machine/db") } }))[1],
    ).toBe("create slot/a: new");
  });

  test("killed half way: what lived on the old one is made again, what lives elsewhere is verified", () => {
    const plan = planOf({
      desired: [disk, machine, generation, role],
      recorded,
      observed: {
        "disk/data": present(),
        "machine/db": present({}),
        "generation/db": hidden("machine/db"),
        "role/shop": hidden("machine/db"),
      },
      unfinished: ["machine/db"],
    });
    expect(lines(plan).slice(1)).toEqual([
      "update machine/db: an earlier run did not finish it",
      "create generation/db: lives on machine/db, which an earlier run did not finish",
      "verify role/shop: verify after machine/db starts",
    ]);
  });

  test("is not forced by a property that is not there yet, but by one inside it", () => {
    const nested = resource("machine/x", { spec: { seed: { a: 1, b: 2 } }, replaceOn: ["seed"] });
    expect(stepOf(planOf({ desired: [nested], observed: { "machine/x": present({}) } }), "machine/x").action).toBe("update");
    expect(stepOf(planOf({ desired: [nested], observed: { "machine/x": present({ seed: { a: 1 } }) } }), "machine/x").action).toBe(
      "replace",
    );
  });
});

describe("interruptions", () => {
  const talking = resource("machine/x", {
    spec: { size: 1, image: "a" },
    interrupts: { size: "machine/x restarts", "*": "its console closes" },
  });
  test("of changed properties, each said once", () => {
    expect(
      stepOf(planOf({ desired: [talking], observed: { "machine/x": present({ size: 2, image: "a" }) } }), "machine/x").interrupts,
    ).toEqual(["machine/x restarts", "its console closes"]);
    expect(
      stepOf(planOf({ desired: [talking], observed: { "machine/x": present({ size: 1, image: "b" }) } }), "machine/x").interrupts,
    ).toEqual(["its console closes"]);
  });
  test("none where it is new", () => {
    expect(stepOf(planOf({ desired: [talking] }), "machine/x").interrupts).toEqual([]);
  });
  test("none where none are named", () => {
    const quiet = { ...talking, interrupts: { image: "x" } };
    expect(
      stepOf(planOf({ desired: [quiet], observed: { "machine/x": present({ size: 2, image: "a" }) } }), "machine/x").interrupts,
    ).toEqual([]);
  });
});

describe("what is no longer desired", () => {
  const upstream = resource("machine/web");
  const gateway = resource("slot/gateway", { spec: { upstreams: [] } });
  const used = record(gateway, { spec: { upstreams: ["web"] }, needs: ["machine/web"] });

  test("goes after those that used it have let go", () => {
    const plan = planOf({
      desired: [gateway],
      recorded: [record(upstream), used],
      observed: { "slot/gateway": present({ upstreams: ["web"] }), "machine/web": present() },
    });
    expect(lines(plan)).toEqual(["update slot/gateway: configuration changed", "remove machine/web: no longer in croft.yaml"]);
    expect(stepOf(plan, "machine/web").after).toEqual(["slot/gateway"]);
  });

  test("waits for nobody who stays as is", () => {
    const plan = planOf({
      desired: [gateway],
      recorded: [record(upstream), { ...used, spec: gateway.spec }],
      observed: { "slot/gateway": present(gateway.spec), "machine/web": present() },
    });
    expect(stepOf(plan, "machine/web").after).toEqual([]);
  });

  test("is forgotten where it is gone, cached, carried away or out of reach", () => {
    const records = [
      record(resource("image/a", { cached: true })),
      record(resource("secret/a")),
      record(machine, { needs: [] }),
      record(generation),
      record(resource("role/b")),
    ];
    const observed = { "image/a": present(), "machine/db": present(), "generation/db": present(), "role/b": hidden("machine/db") };
    expect(lines(planOf({ recorded: records, observed }))).toEqual([
      "forget image/a: stays in the cache",
      "forget secret/a: already gone",
      "remove machine/db: no longer in croft.yaml",
      "forget generation/db: goes with machine/db",
      "forget role/b: out of reach: machine/db goes too",
    ]);
  });

  test("is removed all the same where a killed run was making it: it may be there half made", () => {
    const plan = planOf({ recorded: [record(machine, { needs: [] })], unfinished: [machine.id] });
    expect(lines(plan)).toEqual(["remove machine/db: no longer in croft.yaml"]);
  });

  test("a cached carrier carries nothing away", () => {
    const plan = planOf({
      recorded: [record(resource("image/a", { cached: true })), record(resource("machine/x", { lostWith: ["image/a"] }))],
      observed: { "image/a": present(), "machine/x": present() },
    });
    expect(stepOf(plan, "machine/x").action).toBe("remove");
  });

  test("hidden by what stays: removed once that is up", () => {
    const stopped = {
      recorded: [record(machine), record(role)],
      observed: { "machine/db": present({ size: 2, image: "a" }), "role/shop": hidden("machine/db") },
    };
    const plan = planOf({ desired: [machine], ...stopped });
    expect(stepOf(plan, "role/shop")).toMatchObject({ action: "remove", after: ["machine/db"] });
    expect(
      stepOf(
        planOf({ desired: [machine], ...stopped, observed: { ...stopped.observed, "machine/db": present(machine.spec) } }),
        "role/shop",
      ).after,
    ).toEqual([]);
  });
});

test("hidden and leaving a service that comes back: it waits until the service is up, not only the machine", () => {
  const realm = resource("realm/shop", { needs: ["generation/db"] });
  const user = resource("user/ann", { needs: ["realm/shop"] });
  const plan = planOf({
    desired: [machine, generation, realm],
    recorded: [record(machine), record(generation), record(realm), record(user)],
    observed: {
      "machine/db": absent,
      "generation/db": hidden("machine/db"),
      "realm/shop": hidden("machine/db"),
      "user/ann": hidden("machine/db"),
    },
  });
  expect(stepOf(plan, "realm/shop").after).toContain("generation/db");
  expect(stepOf(plan, "user/ann")).toMatchObject({ action: "remove", after: ["machine/db", "realm/shop"] });
});

describe("destroy", () => {
  const recorded = [record(role), record(generation), record(machine), record(disk)];
  const observed = { "disk/data": present(), "machine/db": present(), "generation/db": present(), "role/shop": present() };

  test("keeps data and what belongs to it, removes in reverse", () => {
    const plan = planOf({ recorded, observed, options: { destroy: true } });
    expect(lines(plan)).toEqual([
      "retain disk/data: holds data; stays",
      "retain role/shop: stays with the data it belongs to",
      "remove machine/db: the site is destroyed",
      "forget generation/db: goes with machine/db",
    ]);
    expect(stepOf(plan, "machine/db").after).toEqual(["generation/db"]);
    expect(stepOf(plan, "disk/data").after).toEqual(["role/shop", "machine/db"]);
  });

  test("a second one does nothing", () => {
    const kept = [record(role, { status: "kept" }), record(disk, { status: "kept" })];
    const plan = planOf({ recorded: kept, observed, options: { destroy: true } });
    expect(isEmpty(plan)).toBe(true);
    expect(lines(plan)).toEqual(["keep disk/data: its data stays", "keep role/shop: its data stays"]);
    expect(isEmpty(planOf({ recorded: kept, observed }))).toBe(true);
  });

  test.each([[{ purge: true }], [{ allowDestroy: ["disk/data"] }], [{ allowDestroy: ["data"] }]])(
    "with %j takes the data and what lies in it",
    (options) => {
      const plan = planOf({ recorded, observed, options: { destroy: true, ...options } });
      expect(plan.steps.map(({ id, action }) => `${action} ${id}`)).toEqual([
        "remove disk/data",
        "forget role/shop",
        "remove machine/db",
        "forget generation/db",
      ]);
    },
  );

  test("allowing what is no data of another name keeps the disk", () => {
    expect(stepOf(planOf({ recorded, observed, options: { destroy: true, allowDestroy: ["other"] } }), "disk/data").action).toBe("retain");
  });

  test("what belongs to data may be named alone", () => {
    const plan = planOf({ recorded, observed, options: { destroy: true, allowDestroy: ["role/shop"] } });
    expect(stepOf(plan, "role/shop").action).toBe("remove");
    expect(stepOf(plan, "disk/data").action).toBe("retain");
  });
});

describe("order", () => {
  test("passes through what is kept", () => {
    const a = resource("network/a");
    const b = resource("machine/b", { needs: ["network/a"] });
    const c = resource("slot/c", { needs: ["machine/b"] });
    const plan = planOf({
      desired: [c, b, a],
      recorded: [record(a), record(b)],
      observed: { "network/a": present({ size: 2 }), "machine/b": present() },
    });
    expect(plan.steps.map(({ id }) => id)).toEqual(["network/a", "machine/b", "slot/c"]);
    expect(stepOf(plan, "slot/c").after).toEqual(["network/a"]);
  });

  test("a need that nobody desires is left to the linter", () => {
    expect(stepOf(planOf({ desired: [resource("a/a", { needs: ["b/b"] })] }), "a/a").after).toEqual([]);
  });

  test("a cycle is refused", () => {
    expect(() => planOf({ desired: [resource("a/a", { needs: ["b/b"] }), resource("b/b", { needs: ["a/a"] })] })).toThrow(
      "dependency cycle: a/a -> b/b -> a/a",
    );
  });
});

test("the hash says what is done, not why, and nothing of what is kept", () => {
  const step: Step = { id: "a/a", kind: "a", host: "h", action: "create", reason: "new", changes: [], after: [], interrupts: [] };
  expect(hashSteps([step])).toBe(
    hashSteps([
      { ...step, reason: "gone" },
      { ...step, id: "b/b", action: "keep" },
    ]),
  );
  expect(hashSteps([step])).not.toBe(hashSteps([{ ...step, action: "update" }]));
  expect(hashSteps([step])).not.toBe(hashSteps([{ ...step, changes: [{ path: "a", to: 1 }] }]));
});

test("two plans differ by what is in only one of them, and by what is another step there", () => {
  const before = planOf({ desired: [resource("a/a"), resource("b/b"), resource("c/c")] });
  const after = planOf({ desired: [resource("a/a", { spec: { size: 2 } }), resource("b/b"), resource("d/d")] });
  expect(planDifferences(before, before)).toEqual([]);
  expect(planDifferences(before, after)).toEqual([
    'a/a: create [{"path":"size","to":1}], now create [{"path":"size","to":2}]',
    'c/c: create [{"path":"size","to":1}], now nothing',
    'd/d: nothing, now create [{"path":"size","to":1}]',
  ]);
});
