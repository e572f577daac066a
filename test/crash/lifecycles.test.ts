/** Random sites, random changes, drift, lost machines, failures and kills. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DiffOptions } from "../../provisioner/plan/diff.ts";
import type { Plan, Resource, ResourceId } from "../../provisioner/plan/resource.ts";
import { emptyWorld, observe, planWorld, runWorld, take } from "./memory-world.ts";
import type { World } from "./memory-world.ts";

const LIFECYCLES = Number(process.env["CROFT_LIFECYCLES"] ?? 10_000);

/** A site of one to three machines; every choice by chance. */
const makeSite = (random: () => number): readonly Resource[] => {
  const chance = (share: number): boolean => random() < share;
  const size = (): number => Math.floor(random() * 3);
  const site: Resource[] = [];
  const add = (id: ResourceId, needs: readonly ResourceId[], more: Partial<Resource> = {}): ResourceId => {
    const present = new Set(site.map((resource) => resource.id));
    site.push({
      id,
      kind: id.split("/")[0] as string,
      host: chance(0.5) ? "h1" : "h2",
      spec: { size: size() },
      needs: needs.filter((need) => present.has(need)),
      ...more,
    });
    return id;
  };
  add("cache/image", [], { cached: true });
  for (const name of ["a", "b", "c"].filter(() => chance(0.7))) {
    const disk = add(`disk/${name}`, [], { data: true, ...(chance(0.3) ? { replaceOn: ["size"] } : {}) });
    const secret = add(`secret/${name}`, [], { keptWith: [disk] });
    const machine = add(`machine/${name}`, ["cache/image", disk], { replaceOn: ["size"], spec: { size: size(), running: true } });
    const base = add(`base/${name}`, [machine, secret], { lostWith: [machine] });
    const database = chance(0.7) ? add(`inner/${name}/database`, [base], { lostWith: [disk], keptWith: [disk], data: true }) : undefined;
    if (database !== undefined && chance(0.7))
      add(`inner/${name}/role`, [base, database, secret], { lostWith: [disk, database], keptWith: [disk] });
    if (chance(0.7))
      add(`inner/${name}/release`, [base, ...(chance(0.5) ? [`inner/${name}/role`] : []), ...(chance(0.3) ? ["inner/a/release"] : [])], {
        lostWith: [machine],
      });
  }
  return chance(0.5) ? site.toReversed() : site;
};

const drift = (world: World, random: () => number): void => {
  for (const [id, object] of world.objects) {
    if (random() < 0.05) object.facts = { ...object.facts, size: 99 };
    else if (id.startsWith("machine/") && random() < 0.15) object.facts = { ...object.facts, running: false };
    else if (random() < 0.03 && !id.startsWith("disk/")) take(world, id);
  }
};

/** After everything is as wanted: what somebody changes or takes is in the next plan, and nothing that stayed as it was. */
const findDrift = async (world: World, desired: readonly Resource[], options: DiffOptions, random: () => number): Promise<void> => {
  const seen = desired.filter(({ id }) => observe(world, id).status === "present" && !id.startsWith("cache/"));
  const victim = seen[Math.floor(random() * seen.length)];
  const object = victim && world.objects.get(victim.id);
  if (victim === undefined || object === undefined) return;
  const isTaken = random() < 0.5 && victim.data !== true;
  if (isTaken) take(world, victim.id);
  else object.facts = { ...object.facts, size: 99 };
  const { plan } = await planWorld(world, desired, options);
  const step = plan.steps.find(({ id }) => id === victim.id);
  expect([victim.id, isTaken, step?.action]).toEqual([
    victim.id,
    isTaken,
    isTaken ? "create" : expect.stringMatching(/^(?:update|replace)$/),
  ]);
};

const essence = (plan: Plan): readonly string[] =>
  plan.steps.filter(({ action }) => ["create", "update", "replace", "remove"].includes(action)).map(({ action, id }) => `${action} ${id}`);

/** Undisturbed: the plan is done to the letter, and then there is nothing to do. */
const settle = async (world: World, desired: readonly Resource[], options: DiffOptions, perHost: number): Promise<void> => {
  world.killIn = Infinity;
  world.failAt = undefined;
  world.lost.clear();
  for (let round = 0; round < 3; round += 1) {
    const { planned, result } = await runWorld(world, desired, options, perHost);
    expect(planned.errors).toEqual([]);
    if (result === undefined) return;
    if (process.env["CROFT_SHOW"] !== undefined)
      console.log(
        planned.plan.steps.map(({ id, action, reason, after }) => `${action} ${id} # ${reason} [${after.join(" ")}]`).join("\n"),
        world.log,
      );
    expect(result.failed.map(({ step, error }) => `${step.id}: ${String(error)}`)).toEqual([]);
    if (result.differs.length === 0) expect(world.log.toSorted()).toEqual(essence(planned.plan).toSorted());
  }
  expect((await planWorld(world, desired, options)).plan.steps.filter(({ action }) => action !== "keep")).toEqual([]);
};

/** A tape of chances, by which fast-check shortens a life that went wrong; past its end nothing happens any more. */
const makeRandom = (tape: Uint8Array): (() => number) => {
  let at = 0;
  return () => (tape[at++] ?? 255) / 256;
};

const live = async (tape: Uint8Array): Promise<void> => {
  const random = makeRandom(tape);
  const world = emptyWorld();
  const perHost = 1 + Math.floor(random() * 4);
  const allowAll = { purge: true };
  let desired: readonly Resource[] = [];
  for (let chapter = 0; chapter < 4; chapter += 1) {
    const destroy = random() < 0.2;
    desired = destroy ? [] : makeSite(random);
    const options: DiffOptions = destroy ? { destroy: true } : allowAll;
    drift(world, random);
    for (let disturbance = Math.floor(random() * 3); disturbance > 0; disturbance -= 1) {
      if (random() < 0.2) for (const { id } of desired) if (id.startsWith("machine/") && random() < 0.5) world.lost.add(id);
      if (random() < 0.5) world.killIn = 1 + Math.floor(random() * 60);
      else world.failAt = desired[Math.floor(random() * desired.length)]?.id;
      await runWorld(world, desired, options, perHost);
      world.killIn = Infinity;
      world.failAt = undefined;
      world.lost.clear();
      if (random() < 0.3) drift(world, random);
    }
    if (random() < 0.6) {
      await settle(world, desired, options, perHost);
      for (const { id, spec } of desired) expect([id, world.objects.get(id)?.facts]).toEqual([id, spec]);
      if (!destroy) await findDrift(world, desired, options, random);
    }
  }
  await settle(world, [], { destroy: true, purge: true }, perHost);
  expect([...world.objects.keys()].filter((id) => !id.startsWith("cache/"))).toEqual([]);
};

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
const tapes = fc.uint8Array({ minLength: 100, maxLength: 500, size: "max" });

test(`${LIFECYCLES} random lifecycles (FUZZ_SEED=${SEED}) leave what is desired, and in the end nothing`, async () => {
  await fc.assert(fc.asyncProperty(tapes, live), { numRuns: LIFECYCLES, seed: SEED });
});
