/** The stand-in: the hypervisor's contract as a program, for hosts without KVM. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { parseArguments, type Arguments, type EngineName } from "./arguments.ts";
import type { VmConfig } from "./config/vm.ts";
import { Failure } from "./core/failure.ts";
import { end, reboot, shutdown } from "./core/lifecycle.ts";
import type { Engine, GuestEnd } from "./core/ports.ts";
import { answerRequest, type ApiAnswer, type ApiRequest } from "./core/routes.ts";
import { makeSession, type Session } from "./core/session.ts";
import { makeNoEngine } from "./engines/none.ts";
import { makeNspawnEngine } from "./engines/nspawn/engine.ts";
import { makeQemuEngine } from "./engines/qemu/engine.ts";
import { startServer, type ApiServer } from "./http/server.ts";
import { lockHandle, makeHost } from "./host.ts";
import { makeMonitor } from "./monitor.ts";

const chainText = (title: string, chain: readonly string[]): string =>
  [`Error: ${title}`, ...chain.map((message, index) => `  ${index}: ${message}`), ""].join("\n");

/** Takes the lock that marks a living owner; a socket file without one is left over from a crash. */
const takeSocket = (path: string): void => {
  const lock = openSync(`${path}.lock`, "a", 0o600);
  if (!lockHandle(lock, true)) throw new Failure(`API socket ${JSON.stringify(path)} is already in use by another running instance`);
  rmSync(path, { force: true });
};

const ENGINES: Readonly<Record<EngineName, (apiSocket: string) => Engine>> = {
  none: makeNoEngine,
  nspawn: makeNspawnEngine,
  qemu: makeQemuEngine,
};

/** Console bytes go where the configuration sends the serial port; nobody there to read them is no error. */
const writeConsole = (config: VmConfig, chunk: Uint8Array): void => {
  const { mode, file } = config.serial;
  if (mode === "Tty") process.stdout.write(chunk);
  if (mode !== "File" || file === undefined) return;
  const handle = openSync(file, "a", 0o600);
  writeSync(handle, chunk);
  closeSync(handle);
};

/** One thing at a time: requests, guest endings and signals wait for each other. */
const makeQueue = () => {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(act: () => Promise<T>): Promise<T> => {
    const result = last.then(act);
    last = result.catch(() => {});
    return result;
  };
};

const crash = (error: unknown): never => {
  const chain = error instanceof Failure ? error.chain : [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  process.stderr.write(chainText("Cloud Hypervisor stand-in exited with the following chain of errors:", chain));
  process.exit(1);
};

type Program = { readonly finish: () => Promise<never>; readonly keep: boolean };

const onGuestEnd = async (session: Session, guestEnd: GuestEnd, program: Program): Promise<void> => {
  if (session.vm === undefined) return;
  if (guestEnd === "reboot") return reboot(session);
  if (guestEnd === "died") {
    await session.engine.shutdown();
    throw new Failure("the guest ended without being asked to");
  }
  if (program.keep) return shutdown(session);
  await end(session);
  await program.finish();
};

const run = async (parsed: Arguments): Promise<void> => {
  takeSocket(parsed.apiSocket);
  const emit = makeMonitor(parsed.events);
  emit("vmm", "starting");
  const queue = makeQueue();
  let server: ApiServer | undefined;
  const finish = async (): Promise<never> => {
    await server?.close();
    rmSync(parsed.apiSocket, { force: true });
    process.exit(0);
  };
  const program = { finish, keep: parsed.keepAfterPowerOff };
  const session = makeSession({
    host: makeHost(),
    engine: ENGINES[parsed.engine](parsed.apiSocket),
    emit,
    onGuestEnd: (guestEnd) => void queue(() => onGuestEnd(session, guestEnd, program)).catch(crash),
    onConsole: writeConsole,
  });
  const stop = (): void => void queue(async () => end(session).then(finish)).catch(crash);
  process.on("SIGTERM", stop).on("SIGINT", stop);
  const answer = (request: ApiRequest): Promise<ApiAnswer> =>
    queue(() => answerRequest(session, request)).then((result) => {
      if (!result.last) return result;
      // Whoever reads the answer finds no socket any more.
      rmSync(parsed.apiSocket, { force: true });
      setImmediate(() => void finish());
      return result;
    });
  server = await startServer(parsed.apiSocket, (request) => answer(request).catch(crash));
};

/** Runs until a signal, `vmm.shutdown` or the guest's power-off ends the process. */
export const main = async (argv: readonly string[]): Promise<void> => {
  process.umask(0o077);
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  try {
    const parsed = parseArguments(argv, process.env);
    if (parsed.version) process.stdout.write("croft-vmm v53.0 (stand-in)\n");
    else await run(parsed);
  } catch (error) {
    crash(error);
  }
};
