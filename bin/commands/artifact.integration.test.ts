/** `croft artifact` against a cache of its own. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CATALOGUE } from "../../provisioner/artifacts/catalogue.ts";
import type { Io } from "../main.ts";
import { hostArchitecture } from "../platform.ts";
import { run } from "./artifact.ts";

let root: string;
let said: string[];
let io: Io;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "croft-artifact-"));
  said = [];
  const say = (text: string): void => void said.push(text);
  io = {
    out: say,
    error: say,
    color: false,
    interactive: false,
    environment: { CROFT_ROOT: root, CROFT_CACHE: join(root, "cache") },
    folder: root,
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const machine = { amd64: 0x3e, arm64: 0xb7 }[hostArchitecture()];
const program = (mark: string): Buffer =>
  Buffer.concat([Buffer.from("\u007fELF"), Buffer.alloc(14), Buffer.from([machine, 0]), Buffer.from(mark)]);
const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const importProgram = (mark: string): Promise<number> => {
  writeFileSync(join(root, "weed"), program(mark));
  return run(["import", "seaweedfs", "weed"], io);
};
const lockTo = (sha256: string): void => {
  const version = CATALOGUE["seaweedfs"]?.version;
  const artifacts = { seaweedfs: { version, source: "import", sha256: { [hostArchitecture()]: sha256 } } };
  writeFileSync(join(root, "croft.lock"), JSON.stringify({ version: 1, artifacts }));
};

test("list names every artifact, and what was imported", async () => {
  await importProgram("one");
  said = [];
  expect(await run(["list", "--json"], io)).toBe(0);
  const rows = JSON.parse(said[0] ?? "") as readonly { name: string; cached: string; sha256: string }[];
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(CATALOGUE));
  expect(rows.find(({ name }) => name === "seaweedfs")).toMatchObject({ cached: "import", sha256: sha256Of(program("one")) });
  expect(rows.filter(({ cached }) => cached !== "-")).toHaveLength(1);
});

test("verify finds what has decayed, and what the lock file does not mean", async () => {
  await importProgram("one");
  expect(await run(["verify"], io)).toBe(0);
  lockTo(sha256Of(program("one")));
  expect(await run(["verify"], io)).toBe(0);
  lockTo(sha256Of(program("two")));
  expect(await run(["verify"], io)).toBe(1);
  expect(said.join("\n")).toMatch(/seaweedfs-[0-9a-f]{16} is not the seaweedfs \S+ of croft.lock/);
  const folder = join(root, "cache", "artifacts");
  const [file = ""] = readdirSync(folder).filter((name) => !name.endsWith(".json"));
  writeFileSync(join(folder, file), "decayed");
  expect(await run(["verify", "--json"], io)).toBe(1);
  expect(said.at(-1)).toContain("has decayed");
});

test("import says what it wants", async () => {
  await expect(run(["import", "seaweedfs"], io)).rejects.toThrow("import takes a name and a file");
  await expect(run(["import", "seaweedfs", "none"], io)).rejects.toThrow("is not a file that can be read");
  await expect(run(["import", "nothing", "none"], io)).rejects.toThrow("the catalogue has no nothing");
  await expect(run(["import", "seaweedfs", "weed", "--arch", "mips"], io)).rejects.toThrow("--arch takes amd64 or arm64");
  await expect(run(["no"], io)).rejects.toThrow("unknown command `artifact no`");
});

test("the example's lock file is the catalogue's", () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, "../../examples/portfolio/croft.lock"), "utf8")) as {
    artifacts: Record<string, { version: string; sha256: Record<string, string> }>;
  };
  const node = CATALOGUE["node"];
  expect(lock.artifacts["node"]).toMatchObject({
    version: node?.version,
    sha256: { amd64: node?.files.amd64?.sha256, arm64: node?.files.arm64?.sha256 },
  });
});
