/** Writes a seed as an ISO 9660 image labelled CIDATA, with fixed dates. */
import { mkdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CroftError } from "../provisioner/errors.ts";
import { sh } from "../provisioner/transport/sh.ts";
import { must } from "../provisioner/transport/shell.ts";
import type { Shell } from "../provisioner/transport/shell.ts";

const FIXED_DATE = "2020010100000000";
const FIXED_SECONDS = Date.UTC(2020, 0, 1) / 1000;

/** Xorriso's threads raced once in tens of thousands of runs, and its own handler ends with code 1: the same words pass at the next try. */
const passing = (error: unknown): unknown =>
  error instanceof CroftError && error.tail?.includes("UNIX-SIGNAL:") === true
    ? new CroftError("COMMAND_FAILED", error.message, { tail: error.tail, transient: true })
    : error;

/** @throws CroftError COMMAND_FAILED; transient where the writing program itself crashed */
export const writeSeed = async (shell: Shell, files: Readonly<Record<string, string>>, target: string): Promise<void> => {
  // One name, so that what a killed run left is found and removed here.
  const work = join(dirname(target), ".seed");
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { mode: 0o700 });
  try {
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(work, name), text, { mode: 0o644 });
      await utimes(join(work, name), FIXED_SECONDS, FIXED_SECONDS);
    }
    const iso = join(work, "seed.iso");
    const names = Object.keys(files).map((name) => join(work, name));
    await must(
      shell,
      "making the seed image",
      sh`xorriso -as mkisofs -quiet -volid CIDATA -rational-rock -joliet --modification-date=${FIXED_DATE} --set_all_file_dates ${FIXED_DATE} -o ${iso} ${names} 2>&1`,
    );
    await rename(iso, target);
  } catch (error) {
    throw passing(error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
