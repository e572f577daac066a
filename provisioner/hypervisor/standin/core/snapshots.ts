/** Snapshots: files with the configuration and state. Memory exists only where an engine keeps some. */
import { join } from "node:path";
import { vm as vmKind, type VmConfig } from "../config/vm.ts";
import { readBody } from "../json/record.ts";
import { JsonError } from "../json/reader.ts";
import { assemble } from "./assemble.ts";
import { alreadyCreated, Failure, notRunning } from "./failure.ts";
import { openConsoles, remove } from "./lifecycle.ts";
import { isRefused } from "./ports.ts";
import type { Session } from "./session.ts";
import { normalise, validate } from "./validate.ts";
import { closeDisks, lockDisk, startAssembly } from "./vm.ts";

const LOCKED = "Error locking disk images: Another instance likely holds a lock";
const sendFailure = (...chain: readonly string[]): Failure => new Failure("Failed to send migratable component snapshot", ...chain);

const toFolder = (session: Session, url: string): string => {
  if (!url.startsWith("file://")) throw sendFailure(`Could not extract path from URL: ${url}`);
  const folder = url.slice("file://".length);
  if (!session.host.isFolder(folder)) throw sendFailure(`Destination is not a directory: ${JSON.stringify(folder)}`);
  return folder;
};

const prefixed = <T>(message: string, act: () => T): T => {
  try {
    return act();
  } catch (error) {
    throw error instanceof Failure ? new Failure(message, ...error.chain) : error;
  }
};

const writeFiles = (session: Session, url: string): void => {
  const folder = toFolder(session, url);
  const files = [
    ["config.json", JSON.stringify(session.config), "VM config snapshot"],
    ["state.json", "{}", "VM state snapshot"],
    ["memory-ranges", "", "memory snapshot"],
  ] as const;
  for (const [name, text, what] of files) {
    const answer = session.host.createNew(join(folder, name), text);
    if (answer !== undefined) throw sendFailure(`Error creating ${what} file`, answer.refused);
  }
};

export const snapshot = (session: Session, url: string): void => {
  const { vm } = session;
  if (vm === undefined) throw notRunning();
  session.consolesReady = false;
  session.emit("vm", "snapshotting");
  const refuse = (why: string): never => {
    throw new Failure("Cannot snapshot VM", "Failed to snapshot migratable component", why);
  };
  if (vm.state !== "Paused") refuse("Trying to snapshot while VM is running");
  if (!session.engine.canSnapshot) refuse("the stand-in does not keep a guest's memory");
  session.emit("vm", "snapshotted");
  prefixed("Cannot send VM snapshot", () => writeFiles(session, url));
};

const receiveFailure = (...chain: readonly string[]): Failure => new Failure("Failed to receive migratable component snapshot", ...chain);

const readPart = (session: Session, url: string, name: string, what: string): string => {
  const path = join(toFolder(session, url), name);
  const text = session.host.readText(path);
  if (isRefused(text)) throw receiveFailure(`Error opening ${what} snapshot file ${JSON.stringify(path)}`, text.refused);
  return text;
};

const readConfig = (session: Session, url: string): VmConfig => {
  const text = readPart(session, url, "config.json", "VM config");
  try {
    return readBody(vmKind, Buffer.from(text));
  } catch (error) {
    if (error instanceof JsonError) throw receiveFailure("Error deserialising VM config snapshot", error.message);
    throw error;
  }
};

/** The state must be there and be JSON; what it says matters only to an engine that keeps a guest. */
const readState = (session: Session, url: string): void => {
  const text = readPart(session, url, "state.json", "VM state");
  try {
    JSON.parse(text);
  } catch {
    throw receiveFailure("Error deserialising VM state snapshot");
  }
};

const rebuild = (session: Session, config: VmConfig): void => {
  session.config = config;
  openConsoles(session, config);
  session.consolesReady = true;
  validate(config);
  const assembly = startAssembly(normalise(config));
  try {
    assemble(session.host, assembly);
    session.emit("vm", "restoring");
    assembly.vm.blocks.forEach((block) => prefixed(LOCKED, () => lockDisk(session.host, block)));
  } catch (error) {
    closeDisks(session.host, assembly.vm);
    throw error;
  }
  assembly.vm.state = "Paused";
  session.config = assembly.config;
  session.vm = assembly.vm;
  session.emit("vm", "restored");
};

export type RestoreRequest = { readonly source_url: string; readonly prefault: boolean; readonly memory_restore_mode: "Copy" | "OnDemand" };

/** Leaves the VM paused, as it was taken; only an engine without a guest can do it. A failure leaves no configuration behind. */
export const restore = async (session: Session, request: RestoreRequest): Promise<void> => {
  if (session.vm !== undefined || session.config !== undefined) throw alreadyCreated();
  const url = request.source_url;
  const config = prefixed("Cannot restore VM", () => readConfig(session, url));
  if (request.prefault && request.memory_restore_mode === "OnDemand")
    throw new Failure("Failed to validate config", "'prefault' cannot be combined with 'memory_restore_mode=ondemand'");
  prefixed("Cannot restore VM", () => readState(session, url));
  if (!session.engine.canSnapshot)
    throw new Failure("Cannot restore VM", "Failed to restore migratable component", "the stand-in does not keep a guest's memory");
  try {
    rebuild(session, config);
  } catch (error) {
    await remove(session);
    throw error;
  }
};
