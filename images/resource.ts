/** The resource of one image. Pure. */
import { resourceId } from "../provisioner/model/names.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import type { Recipe } from "./recipe.ts";

export type ImagePayload = { readonly recipe: Recipe; readonly imageId: string };

export const imageResource = (host: string, id: string, recipe: Recipe): Resource => ({
  id: resourceId("image", id),
  kind: "image",
  host,
  spec: { image: id, roles: [...recipe.roles], packages: recipe.packages.length + recipe.unstable.length },
  payload: { recipe, imageId: id } satisfies ImagePayload,
  needs: [],
  cached: true,
});
