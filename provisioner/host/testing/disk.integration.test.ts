/** That a cut of power takes what nobody synced, and nothing else: tests that rely on it could not fail otherwise. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { diskReason, makeDisk } from "./disk.fixture.ts";
import type { TestDisk } from "./disk.fixture.ts";

const reason = diskReason();
let disk: TestDisk | undefined;
afterEach(() => disk?.destroy());

const sync = (path: string): void => {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
};

/** Whoever else calls sync() on this host at that moment saves the file, so there are some tries. */
const TRIES = 100;

test.skipIf(reason !== "")(`a cut takes what was only written${reason}`, () => {
  disk = makeDisk("noatime", 64);
  const { folder, cut } = disk;
  writeFileSync(join(folder, "synced"), "synced", { flush: true });
  sync(folder);
  const isLost = (name: string): boolean => {
    writeFileSync(join(folder, name), "written");
    cut();
    return !existsSync(join(folder, name));
  };
  expect(Array.from({ length: TRIES }, (_, index) => `written-${index}`).some(isLost)).toBe(true);
  expect(readFileSync(join(folder, "synced"), "utf8")).toBe("synced");
});

test.skipIf(reason !== "")(`but not from a disk mounted with sync${reason}`, () => {
  disk = makeDisk("noatime,sync", 64);
  writeFileSync(join(disk.folder, "written"), "written");
  disk.cut();
  expect(readFileSync(join(disk.folder, "written"), "utf8")).toBe("written");
});
