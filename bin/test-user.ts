/** Passwords of people made for tests: there are none in production. */
import { CroftError } from "../provisioner/errors.ts";
import { userSecretOf } from "../stacks/identity/names.ts";
import type { Loaded } from "./load.ts";

/** @throws CroftError SECRET before the first `up`. */
export const readTestPassword = async (loaded: Loaded, realm: string, user: string): Promise<string> => {
  const world = loaded.openWorld(loaded.state, loaded.desired);
  try {
    return await world.secret(userSecretOf(realm, user));
  } catch (error) {
    throw new CroftError("SECRET", `${user} has no password yet`, { hint: "`croft up` makes it", cause: error });
  } finally {
    await world.close();
  }
};
