/** The text of a state file: JSON whose first line holds size and checksum of the document that follows. Pure. */
import { createHash } from "node:crypto";
import type { JsonObject } from "../plan/resource.ts";
import { STATE_VERSION } from "./store.ts";
import type { State } from "./store.ts";

export type Decoded =
  | { readonly ok: true; readonly state: State; readonly migratedFrom?: number }
  | { readonly ok: false; readonly problem: string; readonly newer?: boolean };

/** From the version that is the key to the next one. */
export type Migrations = ReadonlyMap<number, (old: JsonObject) => JsonObject>;
export const MIGRATIONS: Migrations = new Map();

const HEADER = /^\{"format":"croft-state","sha256":"([0-9a-f]{64})","bytes":(\d+),"state":\n/;
const END = "}\n";
const LONGEST_HEADER = 160;

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const encodeState = (state: State): string => {
  const body = Buffer.from(`${JSON.stringify(state, null, 1)}\n`);
  return `{"format":"croft-state","sha256":"${digest(body)}","bytes":${body.length},"state":\n${body.toString("utf8")}${END}`;
};

/** Where the text stops being JSON, as far as the parser says; otherwise where the checksum begins to count. */
const describeDamage = (body: Buffer, start: number): string => {
  try {
    JSON.parse(body.toString("utf8"));
  } catch (error) {
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? [];
    if (position !== undefined) {
      const before = body.toString("utf8").slice(0, Number(position));
      return `offset ${start + Buffer.byteLength(before)}: not JSON, and the checksum does not fit`;
    }
  }
  return `offset ${start}: the checksum does not fit what follows`;
};

const migrate = (found: JsonObject, migrations: Migrations): Decoded => {
  const version = Number(found["version"]);
  if (version > STATE_VERSION)
    return {
      ok: false,
      newer: true,
      problem: `it was written by a newer croft (state version ${version}, this one knows ${STATE_VERSION})`,
    };
  let state = found;
  for (let at = version; at < STATE_VERSION; at += 1) {
    const step = migrations.get(at);
    if (step === undefined) return { ok: false, problem: `state version ${at} is unknown to this croft` };
    state = { ...step(state), version: at + 1 };
  }
  const current = state as unknown as State;
  return version === STATE_VERSION ? { ok: true, state: current } : { ok: true, state: current, migratedFrom: version };
};

export const decodeState = (bytes: Uint8Array, migrations: Migrations = MIGRATIONS): Decoded => {
  const all = Buffer.from(bytes);
  const header = HEADER.exec(all.subarray(0, LONGEST_HEADER).toString("latin1"));
  if (header === null) return { ok: false, problem: "offset 0: this is not the first line of a state file" };
  const start = header[0].length;
  const end = start + Number(header[2]);
  if (all.length !== end + END.length)
    return { ok: false, problem: `offset ${all.length}: the file ends here, it should end at ${end + END.length}` };
  const body = all.subarray(start, end);
  if (digest(body) !== header[1]) return { ok: false, problem: describeDamage(body, start) };
  if (all.subarray(end).toString("latin1") !== END) return { ok: false, problem: `offset ${end}: this is not the end of a state file` };
  return migrate(JSON.parse(body.toString("utf8")) as JsonObject, migrations);
};
