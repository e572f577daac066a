import { describe, expect, test } from "vitest";
import { CATALOGUE } from "./catalogue.ts";
import { EMPTY_LOCK, compareLock, mergeLock, parseLock, refuseChanged, renderLock } from "./lock-file.ts";
import type { Lock, Locked } from "./lock-file.ts";
import { digestWord, findPin, pinOf } from "./pins.ts";
import type { Note } from "./sources/cache.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const locked = (version: string, sha256: Locked["sha256"], source = "npm"): Locked => ({ version, source, sha256 });
const lock = (artifacts: Lock["artifacts"]): Lock => ({ version: 1, artifacts });

describe("croft.lock", () => {
  test("is read as it was written, in one order", () => {
    const one = lock({ b: locked("1", { arm64: B, amd64: A }), a: locked("2", {}) });
    const text = renderLock(one);
    expect(parseLock("croft.lock", text)).toEqual(one);
    expect(renderLock(lock({ a: locked("2", {}), b: locked("1", { amd64: A, arm64: B }) }))).toBe(text);
  });

  test.each([
    "",
    "{",
    "[]",
    '{"version":2,"artifacts":{}}',
    '{"version":1,"artifacts":{"a":{"version":"1","source":"npm","sha256":{"amd64":"short"}}}}',
  ])("%j is refused", (text) => {
    expect(() => parseLock("croft.lock", text)).toThrow("croft.lock is not a lock file of croft");
  });

  test("tells every difference", () => {
    const before = lock({
      same: locked("1", { amd64: A }),
      newer: locked("1", { amd64: A }),
      other: locked("1", { amd64: A }),
      gone: locked("1", {}),
    });
    const now = {
      same: locked("1", { amd64: A, arm64: B }, "go"),
      newer: locked("2", { amd64: B }),
      other: locked("1", { amd64: B }),
      fresh: locked("1", {}),
    };
    const changes = compareLock(before, now);
    expect(changes.map(({ name, kind }) => [name, kind])).toEqual([
      ["newer", "version"],
      ["other", "digest"],
      ["fresh", "added"],
      ["gone", "removed"],
    ]);
    expect(() => refuseChanged(changes)).toThrow("pins other bytes for the same version");
    expect(() => refuseChanged(changes.filter(({ kind }) => kind !== "digest"))).not.toThrow();
  });

  test("keeps what other architectures locked, and the first source", () => {
    const merged = mergeLock(lock({ tool: locked("1", { arm64: B }, "mirror"), gone: locked("1", {}) }), {
      tool: locked("1", { amd64: A }, "npm"),
    });
    expect(merged).toEqual(lock({ tool: locked("1", { amd64: A, arm64: B }, "mirror") }));
    expect(mergeLock(merged, { tool: locked("2", { amd64: B }) }).artifacts["tool"]?.sha256).toEqual({ amd64: B });
  });
});

describe("the pin of an artifact", () => {
  const version = CATALOGUE["seaweedfs"]?.version ?? "";
  const note = (sha256: string, changes: Partial<Note> = {}): Note => ({
    name: "seaweedfs",
    version,
    architecture: "amd64",
    sha256,
    source: "import",
    ...changes,
  });
  const pins = (notes: readonly Note[], held: Lock = EMPTY_LOCK) => ({ architecture: "amd64", lock: held, notes }) as const;

  test("is the catalogue's where it has one, whatever was imported", () => {
    expect(findPin(pins([note(A, { name: "node" })]), "node")).toBe(CATALOGUE["node"]?.files.amd64?.sha256);
  });

  test("else the lock's, else that of the newest import of this version and architecture", () => {
    const notes = [note(B, { version: "0" }), note(B, { architecture: "arm64" }), note(A), note(B)];
    expect(findPin(pins(notes), "seaweedfs")).toBe(A);
    expect(findPin(pins(notes, lock({ seaweedfs: locked(version, { amd64: B }) })), "seaweedfs")).toBe(B);
    expect(findPin(pins(notes, lock({ seaweedfs: locked("0", { amd64: B }) })), "seaweedfs")).toBe(A);
  });

  test("else there is none, and the error says what to import", () => {
    expect(digestWord(pins([]), "seaweedfs")).toBe("sha256-not-imported");
    expect(() => pinOf(pins([]), "seaweedfs")).toThrow(/seaweedfs .* has to be imported/);
    expect(() => pinOf(pins([]), "nothing")).toThrow("the catalogue has no nothing");
  });
});
