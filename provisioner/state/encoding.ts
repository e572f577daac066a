/** The text of a state file: its checksum on the first line, the document after it. Pure. */
import { createHash } from "node:crypto";
import { STATE_VERSION } from "./store.ts";
import type { State } from "./store.ts";

export type Decoded =
  | { readonly ok: true; readonly state: State }
  | { readonly ok: false; readonly problem: string; readonly newer?: boolean };

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export const encodeState = (state: State): string => {
  const body = `${JSON.stringify(state, null, 1)}\n`;
  return `croft-state ${digest(body)} ${Buffer.byteLength(body)}\n${body}`;
};

const HEADER = /^croft-state ([0-9a-f]{64}) (\d+)\n/;

export const decodeState = (bytes: Uint8Array): Decoded => {
  const text = Buffer.from(bytes).toString("utf8");
  const header = HEADER.exec(text);
  if (header === null) return { ok: false, problem: "offset 0: this is not the first line of a state file" };
  const [line, wanted, size] = header;
  const body = Buffer.from(bytes).subarray(line.length);
  if (body.length !== Number(size)) return { ok: false, problem: `offset ${bytes.length}: ${body.length} bytes of ${size} are there` };
  if (digest(body.toString("utf8")) !== wanted || Buffer.compare(Buffer.from(body.toString("utf8")), body) !== 0) {
    return { ok: false, problem: `offset ${line.length}: the checksum does not fit what follows` };
  }
  const state = JSON.parse(body.toString("utf8")) as State;
  if (state.version > STATE_VERSION) {
    return { ok: false, newer: true, problem: `it was written by a newer croft (state version ${state.version}, this one knows ${STATE_VERSION})` };
  }
  return { ok: true, state };
};
