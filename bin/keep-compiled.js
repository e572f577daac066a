/** Plain JavaScript, since launchers run before they know which Node runs them. */
import { lstatSync, mkdirSync } from "node:fs";
import module from "node:module";
import { userInfo } from "node:os";
import { join } from "node:path";

/** Compiled code is run, so it lies only in a folder that is this user's alone; by the account, since sudo may keep another's HOME. */
export const keepCompiled = () => {
  if (process.env.NODE_DISABLE_COMPILE_CACHE !== undefined) return;
  try {
    const { homedir, uid } = userInfo();
    const folder = join(homedir, ".cache", "croft", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0) module.enableCompileCache?.(folder);
  } catch {
    // No home: slower, nothing else.
  }
};
