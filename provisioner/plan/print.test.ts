import { describe, expect, test } from "vitest";
import { makePlan } from "./diff.ts";
import { sumTotals } from "./lint.ts";
import { countActions, formatBytes, planToJson, printPlan, summaryLine } from "./print.ts";
import type { Json, Observation, Plan, Recorded, Resource, ResourceId } from "./resource.ts";

const GIB = 1024 ** 3;
const resource = (id: ResourceId, spec: Resource["spec"], more: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.split("/")[0] as string,
  host: "metal1",
  spec,
  needs: [],
  ...more,
});
const record = (id: ResourceId, spec: Resource["spec"], more: Partial<Recorded> = {}): Recorded => ({
  id,
  kind: id.split("/")[0] as string,
  host: "metal1",
  spec,
  needs: [],
  output: {},
  status: "active",
  ...more,
});
const present = (facts: Resource["spec"]): Observation => ({ status: "present", facts });

const machine = { cpus: 2, memoryBytes: GIB, image: "debian-13", ports: [80, 443], note: "" };
const site: readonly Resource[] = [
  resource("image/base", { hash: "abc" }),
  resource("disk/data", { sizeBytes: 1.5 * GIB, path: "/var/lib/croft/disks/data.raw" }, { data: true, uses: { diskBytes: 1.5 * GIB } }),
  resource("machine/db", machine, {
    needs: ["disk/data", "image/base"],
    replaceOn: ["image"],
    interrupts: { image: "machine/db is away for about 20 s" },
    uses: { cpus: 2, memoryBytes: GIB },
  }),
  resource(
    "generation/db",
    { files: { "/etc/a": "1", "/etc/b": "2" }, units: ["a.service"], probes: ["ready"] },
    { needs: ["machine/db"], lostWith: ["machine/db"] },
  ),
  resource("slot/gateway", { upstreams: ["10.91.0.11:8001"], extra: { deep: null } }),
  resource("role/shop", { grants: [] }),
];
const plan: Plan = makePlan({
  site: "shop",
  environment: "default",
  desired: site,
  recorded: new Map(
    [
      record("image/base", { hash: "abc" }),
      record("disk/data", { sizeBytes: 1.5 * GIB }),
      record("machine/db", machine),
      record("generation/db", {}),
      record("role/shop", { grants: [] }),
      record("machine/web", {}),
      record("release/web", {}, { lostWith: ["machine/web"] }),
    ].map((item) => [item.id, item]),
  ),
  observed: new Map(
    Object.entries({
      "image/base": present({ hash: "abc" }),
      "machine/db": present({ cpus: 2, memoryBytes: 512 * 1024 ** 2, image: "debian-12", ports: [80, 8443], note: "by hand" }),
      "slot/gateway": present({ upstreams: ["10.91.0.11:8000", "10.91.0.12:8000"], extra: { deep: { a: 1 } } }),
      "role/shop": { status: "hidden", by: "machine/db" } as const,
      "machine/web": present({}),
      "release/web": present({}),
    }),
  ),
});
const totals = sumTotals(site, { metal1: { cpus: 4, memoryBytes: 8 * GIB, diskBytes: 100 * GIB } });

describe("a plan as text", () => {
  test("reason, property and what is interrupted, line by line", () => {
    expect(printPlan(plan, { color: false, totals })).toBe(
      [
        "croft will do this to shop (default):",
        "",
        "  + disk/data  # was created by croft and is gone",
        "      size: 1.5 GiB",
        "  ± machine/db  # drifted from what croft applied",
        "      memory: 512 MiB -> 1 GiB",
        "      image: debian-12 -> debian-13  # forces replacement",
        "      ports[1]: 8443 -> 443",
        '      note: by hand -> ""',
        "      ! machine/db is away for about 20 s",
        "  + generation/db  # lives on machine/db, which is replaced",
        "      probes: [ready]",
        "      files: 2",
        "  ~ slot/gateway  # there, but not as wanted",
        "      upstreams: [10.91.0.11:8000, 10.91.0.12:8000] -> [10.91.0.11:8001]",
        '      extra.deep: {"a":1} -> null',
        "  ? role/shop  # verify after machine/db starts",
        "  - machine/web  # no longer in croft.yaml",
        "  . release/web  # goes with machine/web",
        "",
        "Plan: 2 to create, 1 to update, 1 to replace, 1 to remove, 1 to verify, 1 to forget, 1 unchanged.",
        "Taken of the hosts:",
        "  host metal1: 2 virtual CPUs on 4, 1 GiB of 8.0 GiB memory, up to 1.5 GiB of 100 GiB free disk",
      ].join("\n"),
    );
  });

  test("in colour differs in colour only", () => {
    const painted = printPlan(plan, { color: true });
    expect(painted).toContain("\u001b[31m  - machine/web\u001b[0m  # no longer in croft.yaml");
    expect(painted.replace(/\u001b\[\d+m/g, "")).toBe(printPlan(plan, { color: false }));
  });

  test("without changes is one line", () => {
    const keep = (...ids: readonly string[]): Plan => ({
      site: "s",
      environment: "default",
      hash: "",
      steps: ids.map((id) => ({ id, kind: "a", host: "h", action: "keep", reason: "", changes: [], after: [], interrupts: [] })),
    });
    expect(printPlan(keep("a/a", "b/b"), { color: true })).toBe("No changes. 2 resources are as croft.yaml says.");
    expect(summaryLine(keep("a/a"))).toBe("No changes. 1 resource is as croft.yaml says.");
  });

  test("a host of unknown size has no limits to name", () => {
    expect(printPlan(plan, { color: false, totals: sumTotals(site, {}) })).toContain("  host metal1: 2 CPUs, 1 GiB memory, 1.5 GiB disk");
  });

  test.each<[string, Json, string]>([
    ["cut short", "x".repeat(100), `${"x".repeat(71)}…`],
    ["unable to rewrite the line", "a\n\u001b[2K\u202eb", "a\\u000a\\u001b[2K\\u202eb"],
    ["said to be missing", { a: 1 }, '{"a":1}'],
  ])("values are %s", (_, value, shown) => {
    const changed = makePlan({
      site: "s",
      environment: "default",
      desired: [resource("a/a", { value })],
      recorded: new Map(),
      observed: new Map([["a/a", present({})]]),
    });
    expect(printPlan(changed, { color: false })).toContain(`      value: (none) -> ${shown}\n`);
  });
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [512 * 1024 ** 2, "512 MiB"],
  [3 * 1024 ** 4, "3 TiB"],
  [1024 ** 5, "1024 TiB"],
])("formatBytes %i is %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("as JSON: counts, every change, nothing of what is kept", () => {
  const parsed = JSON.parse(planToJson(plan, totals)) as {
    readonly counts: object;
    readonly steps: readonly { readonly id: string }[];
    readonly hash: string;
  };
  expect(parsed.counts).toEqual(countActions(plan));
  expect(parsed.hash).toBe(plan.hash);
  expect(parsed.steps.map(({ id }) => id)).toEqual([
    "disk/data",
    "machine/db",
    "generation/db",
    "slot/gateway",
    "role/shop",
    "machine/web",
    "release/web",
  ]);
});
