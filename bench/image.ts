/** Building the gateway's image: croft against mmdebstrap alone, with the same packages from the same mirror. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EMPTY_LOCK } from "../provisioner/artifacts/lock-file.ts";
import { findArtifactTools, findPlatform } from "../bin/platform.ts";
import { rootsFrom } from "../bin/load.ts";
import { buildImage, findMirror } from "../images/build.ts";
import { makeRecipe, recipeId } from "../images/recipe.ts";
import type { Recipe } from "../images/recipe.ts";
import { renderPins, renderSources } from "../images/render.ts";
import { makeLocalShell } from "../provisioner/transport/local.ts";
import { repeat, runProgram, timed } from "./tools/process.ts";
import { median, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";
import { quietIo } from "./tools/site.ts";

export const name = "image";

/** Each takes most of a minute. */
const RUNS = Number(process.env["BENCH_IMAGE_RUNS"] ?? 1);

const gatewayRecipe = async (): Promise<Recipe> => {
  const environment = { ...quietIo.environment, CROFT_HYPERVISOR: "stand-in" };
  const artifacts = await findArtifactTools(rootsFrom(environment), environment, EMPTY_LOCK);
  const { architecture, digestOf } = await findPlatform(artifacts, environment);
  return makeRecipe({ roles: ["gateway"], architecture, kernel: false, update: 0, digestOf });
};

const buildByCroft = async (folder: string, recipe: Recipe): Promise<number> => {
  const noArtifact = (artifact: string): Promise<string> => Promise.reject(new Error(`the gateway's image needs ${artifact}`));
  const tools = { shell: makeLocalShell(), folder: join(folder, "images"), artifactFile: noArtifact };
  const { durationMs } = await timed(() => buildImage(tools, recipe, recipeId(recipe), () => {}));
  await rm(tools.folder, { recursive: true, force: true });
  return durationMs;
};

/** Into a folder, without croft's hooks; the pins are needed to get the same packages. */
const buildByHand = async (folder: string, recipe: Recipe): Promise<number> => {
  const tree = join(folder, "tree");
  const { durationMs } = await runProgram([
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    `--architectures=${recipe.architecture}`,
    '--aptopt=APT::Sandbox::User "root"',
    ...["doc", "man", "locale"].map((part) => `--dpkgopt=path-exclude=/usr/share/${part}/*`),
    `--setup-hook=cp -a ${join(folder, "before")}/. "$1"/`,
    `--include=${[...recipe.packages, ...recipe.unstable].join(",")}`,
    recipe.suite,
    tree,
    join(folder, "sources.list"),
  ]);
  await rm(tree, { recursive: true, force: true });
  return durationMs;
};

const prepare = async (folder: string, recipe: Recipe): Promise<void> => {
  const pins = join(folder, "before", "etc/apt/preferences.d/croft");
  await mkdir(dirname(pins), { recursive: true, mode: 0o755 });
  await writeFile(pins, renderPins(recipe));
  await writeFile(join(folder, "sources.list"), renderSources(recipe, await findMirror(makeLocalShell())));
};

const NOTE =
  "croft's time holds mmdebstrap with its own hooks, the raw file system (mke2fs) and the wait for the disk; mmdebstrap alone ends with a folder. croft builds first, so what the mirror remembers helps the other";

export const run = async (): Promise<readonly Row[]> => {
  if (!existsSync("/usr/bin/mmdebstrap")) throw new Skip("mmdebstrap is missing");
  const recipe = await gatewayRecipe();
  const folder = await mkdtemp("/var/tmp/croft-bench-image-");
  try {
    await prepare(folder, recipe);
    const pairs = await repeat(RUNS, async () => ({ croft: await buildByCroft(folder, recipe), hand: await buildByHand(folder, recipe) }));
    const croft = median(pairs.map((pair) => pair.croft)) / 1000;
    const other = { name: "mmdebstrap", value: median(pairs.map((pair) => pair.hand)) / 1000 };
    return [{ what: "image of the gateway", unit: "s", croft, other, goal: { ratio: 1.1 }, note: NOTE }];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
