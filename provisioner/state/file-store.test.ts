import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import type { JsonObject } from "../plan/resource.ts";
import { decodeState, encodeState } from "./encoding.ts";
import { makeFileStore } from "./file-store.ts";
import { emptyState } from "./store.ts";
import type { State } from "./store.ts";

const SITE_ID = "00112233445566778899aabbccddeeff";
const sample = (serial: number): State => ({
  ...emptyState(SITE_ID),
  serial,
  resources: [
    { id: "machine/db", kind: "machine", host: "metal1", spec: { note: "größer – 2 €" }, needs: [], output: {}, status: "active" },
  ],
});

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "croft-state-"));
  file = join(folder, "site", "state.json");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const failureOf = async (work: Promise<unknown>): Promise<CroftError> => {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof CroftError) return error;
  throw new Error(`expected a CroftError, got ${String(error)}`);
};

const writeSerials = async (count: number): Promise<void> => {
  for (let serial = 1; serial <= count; serial += 1) await makeFileStore(file).write(sample(serial));
};

describe("the text", () => {
  const text = Buffer.from(encodeState(sample(7)));

  test("is JSON and comes back whole", () => {
    expect(JSON.parse(text.toString("utf8")).state).toEqual(sample(7));
    expect(decodeState(text)).toEqual({ ok: true, state: sample(7) });
  });

  test("cut at any byte is refused", () => {
    const accepted = Array.from({ length: text.length }, (_, length) => length).filter(
      (length) => decodeState(text.subarray(0, length)).ok,
    );
    expect(accepted).toEqual([]);
  });

  test("with any bit flipped is refused", () => {
    let accepted = 0;
    for (let bit = 0; bit < text.length * 8; bit += 1) {
      const flipped = Buffer.from(text);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      if (decodeState(flipped).ok) accepted += 1;
    }
    expect(accepted).toBe(0);
  });

  test("says where it is damaged", () => {
    const at = (bytes: Buffer): unknown => {
      const decoded = decodeState(bytes);
      return decoded.ok ? "good" : decoded.problem;
    };
    const start = text.indexOf("\n") + 1;
    const quote = text.indexOf('"metal1"');
    const noColon = Buffer.from(text);
    noColon[quote - 2] = 0x3b;
    expect(at(Buffer.from("{}"))).toBe("offset 0: this is not the first line of a state file");
    expect(at(text.subarray(0, 300))).toBe(`offset 300: the file ends here, it should end at ${text.length}`);
    expect(at(noColon)).toBe(`offset ${quote - 2}: not JSON, and the checksum does not fit`);
    expect(at(Buffer.from(text.toString("utf8").replace("größer", "kleine")))).toContain("the file ends here");
    expect(at(Buffer.from(text.toString("utf8").replace("metal1", "metal2")))).toBe(
      `offset ${start}: the checksum does not fit what follows`,
    );
    expect(at(Buffer.concat([text.subarray(0, -2), Buffer.from("]\n")]))).toBe(
      `offset ${text.length - 2}: this is not the end of a state file`,
    );
  });
});

describe("the file", () => {
  test("does not exist before the first write", async () => {
    expect(await makeFileStore(file).read()).toBeUndefined();
  });

  test("comes back, private, with the last five generations", async () => {
    await writeSerials(8);
    expect((await makeFileStore(file).read())?.serial).toBe(8);
    expect((await readdir(join(folder, "site"))).toSorted()).toEqual([
      "state.json",
      "state.json.1",
      "state.json.2",
      "state.json.3",
      "state.json.4",
      "state.json.5",
    ]);
    const serials = await Promise.all(
      [1, 2, 3, 4, 5].map(async (number) => JSON.parse(await readFile(`${file}.${number}`, "utf8")).state.serial as number),
    );
    expect(serials).toEqual([7, 6, 5, 4, 3]);
  });

  test("damaged: refused, with the newest good generation named, and left as it is", async () => {
    await writeSerials(4);
    await writeFile(file, "{");
    await writeFile(`${file}.1`, "");
    const error = await failureOf(makeFileStore(file).read());
    expect(error).toMatchObject({ code: "STATE_INVALID", exitCode: 65 });
    expect(error.message).toBe(`the state file ${file} is damaged: offset 0: this is not the first line of a state file`);
    expect(error.hint).toBe(`the newest good generation is ${file}.2 (serial 2): \`croft state restore\``);
    expect(await readFile(file, "utf8")).toBe("{");
  });

  test("damaged, with no good generation left", async () => {
    await writeSerials(1);
    await writeFile(file, "");
    expect((await failureOf(makeFileStore(file).read())).hint).toBe("no older generation can be read; bring the file back from a backup");
    expect(await failureOf(makeFileStore(file).restore())).toMatchObject({ code: "STATE_INVALID" });
  });

  test("restored from the newest good generation; the damaged one is put aside", async () => {
    await writeSerials(3);
    await writeFile(file, "broken");
    expect(await makeFileStore(file).restore()).toBe(2);
    expect((await makeFileStore(file).read())?.serial).toBe(2);
    expect(await readFile(`${file}.damaged`, "utf8")).toBe("broken");
  });

  test("restored where it is missing", async () => {
    await writeSerials(2);
    await rm(file);
    expect(await makeFileStore(file).restore()).toBe(1);
  });

  test("removed with everything beside it", async () => {
    await writeSerials(3);
    await makeFileStore(file).remove();
    expect(await readdir(join(folder, "site"))).toEqual([]);
  });
});

describe("versions", () => {
  const withVersion = async (version: number): Promise<void> => {
    await mkdir(join(folder, "site"));
    await writeFile(file, encodeState({ ...sample(3), version }));
  };

  test("a newer one is refused", async () => {
    await withVersion(2);
    const error = await failureOf(makeFileStore(file).read());
    expect(error.message).toContain("written by a newer croft (state version 2, this one knows 1)");
    expect(error).toMatchObject({ code: "STATE_INVALID", hint: "upgrade croft" });
  });

  test("an older one is migrated, and kept", async () => {
    await withVersion(-1);
    const migrations = new Map<number, (old: JsonObject) => JsonObject>([
      [-1, (old) => ({ ...old, extra: { from: -1 } })],
      [0, (old) => ({ ...old, imageUpdate: 9 })],
    ]);
    const store = makeFileStore(file, migrations);
    expect(await store.read()).toEqual({ ...sample(3), version: 1, imageUpdate: 9, extra: { from: -1 } });
    expect(await store.read()).toMatchObject({ imageUpdate: 9 });
    expect(JSON.parse(await readFile(`${file}.v-1.bak`, "utf8")).state.version).toBe(-1);
    await store.write({ ...sample(4) });
    expect(await store.read()).toEqual(sample(4));
  });

  test("one that nothing migrates is refused", async () => {
    await withVersion(0);
    expect((await failureOf(makeFileStore(file).read())).message).toContain("state version 0 is unknown to this croft");
  });
});

describe("a disk that does not do", () => {
  test("writing fails: STATE_IO, and the old state stays", async () => {
    await writeSerials(1);
    await mkdir(`${file}.new`);
    const error = await failureOf(makeFileStore(file).write(sample(2)));
    expect(error).toMatchObject({ code: "STATE_IO", exitCode: 74 });
    await rm(`${file}.new`, { recursive: true });
    expect((await makeFileStore(file).read())?.serial).toBe(1);
  });

  test("an older generation that cannot be moved stops the write", async () => {
    await writeSerials(5);
    await mkdir(`${file}.5`);
    expect(await failureOf(makeFileStore(file).write(sample(6)))).toMatchObject({ code: "STATE_IO" });
    expect((await makeFileStore(file).read())?.serial).toBe(5);
  });

  test("reading fails: STATE_IO, never an empty state", async () => {
    await mkdir(file, { recursive: true });
    expect(await failureOf(makeFileStore(file).read())).toMatchObject({ code: "STATE_IO", exitCode: 74 });
  });

  test("a file in place of its folder", async () => {
    await writeFile(join(folder, "site"), "");
    await chmod(join(folder, "site"), 0o600);
    expect(await failureOf(makeFileStore(file).write(sample(1)))).toMatchObject({ code: "STATE_IO" });
  });
});
