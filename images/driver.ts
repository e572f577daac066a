/** Effects of images: there in the cache, or built into it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Driver, ObserveRequest } from "../provisioner/execute/driver.ts";
import { observeEach } from "../provisioner/execute/observe-each.ts";
import type { JsonObject, Observation } from "../provisioner/plan/resource.ts";
import { OWN, buildImage, imageExists, imagePackages } from "./build.ts";
import type { ImageTools } from "./build.ts";
import type { Recipe } from "./recipe.ts";
import type { ImagePayload } from "./resource.ts";

const imageId = (request: ObserveRequest): string => request.id.slice("image/".length);

const observeOne = async (tools: ImageTools, request: ObserveRequest): Promise<Observation> => {
  const id = imageId(request);
  if (!(await imageExists(tools.folder, id))) return { status: "absent" };
  const recipe = JSON.parse(await readFile(join(tools.folder, id, "recipe.json"), "utf8")) as Recipe;
  const facts: JsonObject = { image: id, roles: [...recipe.roles], packages: recipe.packages.length + recipe.unstable.length };
  return { status: "present", facts };
};

/** Says a line of the build only where it begins a new phase, and whatever croft says itself. */
const PHASE = /^I: (?!running --)(.*)$/;

export const shownLine = (line: string): string | undefined =>
  line.startsWith(OWN) ? line.slice(OWN.length, OWN.length + 120) : PHASE.exec(line)?.[1]?.slice(0, 70);

export const makeImageDriver = (tools: ImageTools): Driver => ({
  kind: "image",
  observe: observeEach((request) => observeOne(tools, request)),
  apply: async (request) => {
    const { recipe, imageId: id } = request.resource.payload as ImagePayload;
    if (await imageExists(tools.folder, id)) {
      request.progress("already in the cache");
    } else {
      await buildImage(tools, recipe, id, (line) => {
        const shown = shownLine(line);
        if (shown !== undefined) request.progress(shown);
      });
    }
    return { packages: await imagePackages(tools.folder, id) };
  },
  remove: async () => {},
});
