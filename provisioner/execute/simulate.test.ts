import { expect, test } from "vitest";
import type { Recorded, Resource } from "../plan/resource.ts";
import { emptyState } from "../state/store.ts";
import { planSite } from "./apply.ts";
import type { PlanInput } from "./apply.ts";
import { makeSimulatedDrivers, simulatePlan } from "./simulate.ts";

const resource = (id: string, more: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.split("/")[0] ?? "",
  host: "local",
  spec: { size: 1 },
  needs: [],
  ...more,
});
const record = (from: Resource): Recorded => ({
  id: from.id,
  kind: from.kind,
  host: from.host,
  spec: from.spec,
  needs: from.needs,
  ...(from.lostWith === undefined ? {} : { lostWith: from.lostWith }),
  output: {},
  status: "active",
});

const simulate = async (desired: readonly Resource[], recorded: readonly Recorded[]) => {
  const state = { ...emptyState("ab".repeat(16)), serial: 7, resources: recorded };
  const drivers = makeSimulatedDrivers(desired, recorded);
  const input: PlanInput = {
    site: "shop",
    environment: "default",
    desired,
    state,
    drivers,
    journalFile: "/dev/null",
    hosts: {},
    options: {},
  };
  const planned = await planSite(input);
  const events: string[] = [];
  const result = await simulatePlan({
    planned,
    input,
    emit: ({ type, step }) => void events.push(`${type} ${step.id}`),
    now: () => "2026-01-01T00:00:00Z",
    monotonic: () => 0,
    signal: new AbortController().signal,
    perHost: 1,
  });
  return { planned, events, result, again: await planSite({ ...input, state: result.state }) };
};

test("a new site is walked in order, and the plan after it is empty", async () => {
  const desired = [resource("generation/a", { needs: ["machine/a"], lostWith: ["machine/a"] }), resource("machine/a")];
  const { events, result, again } = await simulate(desired, []);
  expect(events).toEqual(["step-started machine/a", "step-done machine/a", "step-started generation/a", "step-done generation/a"]);
  expect(result.failed).toEqual([]);
  expect(again.plan.steps.every(({ action }) => action === "keep")).toBe(true);
});

test("what is recorded counts as in place; what is replaced takes along what lives on it", async () => {
  const machine = resource("machine/a", { replaceOn: ["size"] });
  const generation = resource("generation/a", { needs: ["machine/a"], lostWith: ["machine/a"] });
  const wanted = [{ ...machine, spec: { size: 2 } }, generation];
  const { planned, result, again } = await simulate(wanted, [record(machine), record(generation), record(resource("disk/old"))]);
  expect(planned.plan.steps.map(({ id, action }) => `${id} ${action}`).toSorted()).toEqual([
    "disk/old remove",
    "generation/a create",
    "machine/a replace",
  ]);
  expect(result.state.resources.map(({ id }) => id).toSorted()).toEqual(["generation/a", "machine/a"]);
  expect(again.plan.steps.every(({ action }) => action === "keep")).toBe(true);
});
