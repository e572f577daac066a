/** Every kill point of `up`, of a change and of `destroy`, with real processes and real SIGKILL. */
import { expect, test } from "vitest";
import type { Resource } from "../../provisioner/plan/resource.ts";
import { inventory } from "./fake-world.ts";
import { SITE, hiddenByMachine } from "./graph.ts";
import { crashAnywhere, crashMatrix, crashPairs, printMatrix } from "./matrix.ts";
import type { Cell } from "./matrix.ts";
import { makeScene, run, worldFolder } from "./site.ts";

const up = makeScene(SITE, SITE, hiddenByMachine);
const destroy = makeScene([], SITE, hiddenByMachine, { destroy: true });
const purge = makeScene([], SITE, hiddenByMachine, { destroy: true, purge: true });

const prepareUp = async (folder: string): Promise<void> => void (await run(folder, up));

const problemsOf = (title: string, cells: readonly Cell[]): readonly string[] => {
  console.log(printMatrix(title, cells));
  return cells.flatMap(({ step, point, problem }) => (problem === undefined ? [] : [`${step}:${point}: ${problem}`]));
};

/** What a killed run began must not outlive the site, even if no run ever finished it. */
const nothingAfterPurge = async (folder: string): Promise<string | undefined> => {
  await run(folder, purge);
  const left = inventory(worldFolder(folder)).filter((text) => !text.startsWith("image/"));
  return left.length === 0 ? undefined : `left after --purge: ${left.join("; ")}`;
};

test("up: killed at every point of every step", async () => {
  expect(problemsOf("up", await crashMatrix({ scene: up, alsoAfterKill: nothingAfterPurge }))).toEqual([]);
});

test("destroy: killed at every point of every step", async () => {
  expect(problemsOf("destroy", await crashMatrix({ scene: destroy, prepare: prepareUp, alsoAfterKill: nothingAfterPurge }))).toEqual([]);
});

/** The machine is replaced, an upstream is renamed, a role changes. */
const changed = [
  ...SITE.filter(({ id }) => id !== "release/shop-api").map((resource): Resource => {
    if (resource.id === "machine/db" || resource.id === "role/shop") return { ...resource, spec: { ...resource.spec, size: 2 } };
    return resource.id === "traffic/shop-api" ? { ...resource, needs: ["release/shop-web", "role/shop"] } : resource;
  }),
  { ...(SITE.find(({ id }) => id === "release/shop-api") as Resource), id: "release/shop-web" },
];

test("a change with a replacement and a removal: killed at every point of every step", async () => {
  const scene = makeScene(changed, [...SITE, ...changed], hiddenByMachine);
  expect(
    problemsOf("change", await crashMatrix({ scene, prepare: prepareUp, countBirths: false, alsoAfterKill: nothingAfterPurge })),
  ).toEqual([]);
});

test("killed again while repairing: every pair of points of a short run", async () => {
  const short = SITE.filter(({ id }) => id === "disk/data" || id === "secret/password");
  const cells = await crashPairs({ scene: makeScene(short, short, hiddenByMachine) });
  const bad = cells.filter(({ problem }) => problem !== undefined);
  console.log(`pairs: ${cells.length - bad.length}/${cells.length} converge`);
  expect(bad).toEqual([]);
});

test("killed from outside at any time", async () => {
  const cells = [...(await crashAnywhere({ scene: up }, 40)), ...(await crashAnywhere({ scene: destroy, prepare: prepareUp }, 20))];
  const bad = cells.filter(({ problem }) => problem !== undefined);
  console.log(`at any time: ${cells.length - bad.length}/${cells.length} converge`);
  expect(bad).toEqual([]);
});
