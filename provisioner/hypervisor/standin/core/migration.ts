/** Migration: the refusals of the real program. No peer can take a guest over from a stand-in, or give it one. */
import { dirname } from "node:path";
import type * as bodies from "../config/migration.ts";
import { Failure } from "./failure.ts";
import type { Session } from "./session.ts";
import { sharedMemory } from "./validate-devices.ts";

type Send = ReturnType<typeof bodies.sendMigration.read>;
type Receive = ReturnType<typeof bodies.receiveMigration.read>;

const MOST_CONNECTIONS = 128;

const sendFailure = (...chain: readonly string[]): Failure => new Failure("Failed to send migratable component snapshot", ...chain);
const receiveFailure = (...chain: readonly string[]): Failure => new Failure("Failed to receive migratable component snapshot", ...chain);

/** Why HOST:PORT is none, outermost reason first; empty where it is one. */
const addressProblem = (address: string): readonly string[] => {
  const bracketed = address.startsWith("[");
  if (bracketed && !address.includes("]")) return ["Missing closing ']' for bracketed IPv6 address"];
  const cut = bracketed ? address.indexOf("]") + 1 : address.lastIndexOf(":");
  if (bracketed && address[cut] !== ":") return ["Missing port separator after bracketed host"];
  if (cut < 0) return ["Missing TCP port"];
  const host = bracketed ? address.slice(1, cut - 1) : address.slice(0, cut);
  const port = address.slice(cut + 1);
  if (host === "") return ["Host must not be empty"];
  if (port === "") return ["Port must not be empty"];
  if (!/^\+?\d+$/.test(port)) return [`Invalid TCP port: ${port}`, "invalid digit found in string"];
  return Number(port) > 65_535 ? [`Invalid TCP port: ${port}`, "number too large to fit in target type"] : [];
};

const NAMES = { send: "destination_url", receive: "receiver_url" } as const;

const isUnix = (url: string): boolean => url.startsWith("unix:") && url.length > "unix:".length;

const checkSend = (data: Send): void => {
  const title = "Error validating send migration parameters";
  const fail = (message: string, ...causes: readonly string[]): never => {
    throw sendFailure("Invalid send migration configuration", `${title}: ${message}`, ...causes);
  };
  const wanted = `${NAMES.send} must use tcp:<host>:<port> or unix:<path>.`;
  const { destination_url: url, connections, local, tls_dir } = data;
  const problem = url.startsWith("tcp:") ? addressProblem(url.slice("tcp:".length)) : [];
  if (problem.length > 0) fail(wanted, ...problem);
  if (!url.startsWith("tcp:")) {
    if (!isUnix(url)) fail(wanted);
    if (connections > 1) fail("UNIX sockets and connections option cannot be used at the same time.");
    if (tls_dir !== undefined) fail("UNIX sockets and TLS encryption cannot be used at the same time.");
  }
  if (connections > MOST_CONNECTIONS) fail(`connections must not exceed ${MOST_CONNECTIONS}.`);
  if (local && !isUnix(url)) fail("local option is only supported with UNIX sockets.");
};

const checkReceive = (data: Receive): void => {
  const fail = (message: string): never => {
    throw receiveFailure("Invalid receive migration configuration", `Error validating receive migration parameters: ${message}`);
  };
  const wanted = `${NAMES.receive} must use tcp:<host>:<port> or unix:<path>`;
  const { receiver_url: url, tls_dir } = data;
  const [problem] = url.startsWith("tcp:") ? addressProblem(url.slice("tcp:".length)) : [];
  if (problem !== undefined) fail(`${wanted}: ${problem}.`);
  if (url.startsWith("tcp:")) return;
  if (!isUnix(url)) fail(`${wanted}.`);
  if (tls_dir !== undefined) fail("UNIX sockets and TLS encryption cannot be used at the same time.");
};

/**
 * 204 says that it began; its end is an event. No peer takes the guest, so it fails at once:
 * the guest stays here and goes on as it was.
 */
export const sendMigration = (session: Session, data: Send): void => {
  const { vm, config } = session;
  if (vm === undefined || config === undefined) throw sendFailure("VM is not running");
  checkSend(data);
  if (data.local && !sharedMemory(config)) throw sendFailure("Local migration requires shared memory or hugepages enabled");
  if (vm.state !== "Running" && vm.state !== "Paused") throw sendFailure(`VM is not running or paused: ${vm.state}`);
  session.emit("vm", "migration-started");
  session.emit("vm", "migration-failed");
};

/** Nobody ever connects to a stand-in: refused where the real program would begin to wait. */
export const receiveMigration = (session: Session, data: Receive): void => {
  if (session.vm !== undefined) throw receiveFailure("Can't receive a migration when a VM is already created");
  checkReceive(data);
  const path = data.receiver_url.slice("unix:".length);
  if (isUnix(data.receiver_url)) {
    if (session.host.exists(path)) throw receiveFailure("Error binding to UNIX socket", "Address already in use (os error 98)");
    if (!session.host.isFolder(dirname(path)))
      throw receiveFailure("Error binding to UNIX socket", "No such file or directory (os error 2)");
  }
  throw receiveFailure("the stand-in takes no guest over");
};
