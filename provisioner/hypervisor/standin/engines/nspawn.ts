import type { Engine } from "../core/ports.ts";
import { makeNoEngine } from "./none.ts";
export const makeNspawnEngine = (_apiSocket: string): Engine => makeNoEngine();
