/** What the program remembers between requests, and the tools its parts share. */
import type { VmConfig } from "../config/vm.ts";
import type { Engine, GuestEnd, Host } from "./ports.ts";
import type { Vm } from "./vm.ts";

export type Emit = (source: string, event: string, properties?: Readonly<Record<string, string>>) => void;

export type Session = {
  readonly host: Host;
  readonly engine: Engine;
  readonly emit: Emit;
  /** The guest ended by itself; called outside of any request. */
  readonly onGuestEnd: (end: GuestEnd) => void;
  readonly onConsole: (config: VmConfig, chunk: Uint8Array) => void;
  config: VmConfig | undefined;
  vm: Vm | undefined;
  /** Console files were opened by `vm.create` and serve the next boot. */
  consolesReady: boolean;
};

export type SessionPorts = Pick<Session, "host" | "engine" | "emit" | "onGuestEnd" | "onConsole">;

export const makeSession = (ports: SessionPorts): Session => ({ ...ports, config: undefined, vm: undefined, consolesReady: false });
