/** Create, boot, shut down, reboot, delete, pause, resume: in the order and with the events of the real program. */
import type { VmConfig } from "../config/vm.ts";
import { mayFollow } from "../../states.ts";
import type { VmState } from "../../types.ts";
import { alreadyCreated, deviceFailure, Failure, missingConfig, notCreated, notRunning } from "./failure.ts";
import { assemble } from "./assemble.ts";
import { checkBootMemory } from "./memory.ts";
import type { Session } from "./session.ts";
import { normalise, validate } from "./validate.ts";
import { closeDisks, prepareBoot, startAssembly, type Assembly, type Vm } from "./vm.ts";

/** Opens the files of consoles: each opening empties them. */
export const openConsoles = ({ host }: Session, config: VmConfig): void => {
  const fail = (...chain: readonly string[]): never => {
    throw new Failure("Error creating console devices", ...chain);
  };
  for (const port of [config.console, config.serial, config.debug_console]) {
    if (port.mode === "Socket" && port !== config.serial) fail("No socket option support for console device");
    if (port.mode === "Socket" && host.exists(config.serial.socket ?? ""))
      fail("Error creating console device", "Address already in use (os error 98)");
    const refused = port.mode === "File" ? host.truncate(port.file ?? "")?.refused : undefined;
    if (refused !== undefined) fail("Error creating console device", refused);
  }
};

/** Descriptors do not travel in JSON: their numbers mean nothing here. */
const withoutDescriptors = (config: VmConfig): VmConfig => ({
  ...config,
  ...(config.net === undefined ? {} : { net: config.net.map(({ fds: _fds, ...net }) => net as typeof net & { fds: undefined }) }),
  ...(config.devices === undefined
    ? {}
    : { devices: config.devices.map(({ fd: _fd, ...device }) => device as typeof device & { fd: undefined }) }),
});

export const create = (session: Session, config: VmConfig): void => {
  if (session.config !== undefined) throw alreadyCreated();
  session.config = withoutDescriptors(config);
  openConsoles(session, config);
  session.consolesReady = true;
};

const buildVm = (session: Session, config: VmConfig): Assembly => {
  checkBootMemory(config);
  validate(config);
  const assembly = startAssembly(normalise(config));
  try {
    assemble(session.host, assembly);
    return assembly;
  } catch (error) {
    closeDisks(session.host, assembly.vm);
    throw error;
  } finally {
    session.config = assembly.config;
  }
};

const startGuest = async (session: Session, assembly: Assembly): Promise<void> => {
  prepareBoot(session.host, assembly);
  const { config } = assembly;
  await session.engine.boot(config, {
    onEnd: session.onGuestEnd,
    onConsole: (chunk) => session.onConsole(config, chunk),
  });
  assembly.vm.state = "Running";
};

export const boot = async (session: Session): Promise<void> => {
  if (session.vm !== undefined) throw alreadyCreated();
  session.emit("vm", "booting");
  if (session.config === undefined) throw missingConfig();
  if (!session.consolesReady) openConsoles(session, session.config);
  session.consolesReady = true;
  const assembly = buildVm(session, session.config);
  session.vm = assembly.vm;
  await startGuest(session, assembly);
  session.emit("vm", "booted");
};

const stopGuest = async (session: Session, vm: Vm): Promise<void> => {
  session.vm = undefined;
  session.consolesReady = false;
  if (vm.state !== "Created") await session.engine.shutdown();
  closeDisks(session.host, vm);
};

export const shutdown = async (session: Session): Promise<void> => {
  if (session.vm === undefined) throw notRunning();
  await stopGuest(session, session.vm);
  session.emit("vm", "shutdown");
};

export const reboot = async (session: Session): Promise<void> => {
  session.emit("vm", "rebooting");
  if (session.vm === undefined || session.config === undefined) throw notCreated();
  await stopGuest(session, session.vm);
  openConsoles(session, session.config);
  session.consolesReady = true;
  const assembly = buildVm(session, session.config);
  await startGuest(session, assembly).catch((error: unknown) => {
    closeDisks(session.host, assembly.vm);
    throw error;
  });
  session.vm = assembly.vm;
  session.emit("vm", "rebooted");
};

export const remove = async (session: Session): Promise<void> => {
  if (session.config === undefined) return;
  if (session.vm !== undefined) await shutdown(session);
  session.config = undefined;
  session.consolesReady = false;
  session.emit("vm", "deleted");
};

export const end = async (session: Session): Promise<void> => {
  await remove(session);
  session.emit("vmm", "shutdown");
};

const move = (vm: Vm, to: VmState, what: "pause" | "resume"): void => {
  if (mayFollow(vm.state, to)) return;
  throw new Failure(
    `Cannot ${what} VM`,
    `Failed to ${what} migratable component`,
    `Invalid transition: InvalidStateTransition(${vm.state}, ${to})`,
  );
};

export const pause = async (session: Session): Promise<void> => {
  const { vm } = session;
  if (vm === undefined) throw notRunning();
  session.emit("vm", "pausing");
  move(vm, "Paused", "pause");
  await session.engine.pause();
  vm.state = "Paused";
  session.emit("vm", "paused");
};

export const resume = async (session: Session): Promise<void> => {
  const { vm } = session;
  if (vm === undefined) throw notRunning();
  session.emit("vm", "resuming");
  move(vm, "Running", "resume");
  await session.engine.resume();
  vm.state = "Running";
  session.emit("vm", "resumed");
};

export const powerButton = async (session: Session): Promise<void> => {
  if (session.vm === undefined) throw notRunning();
  await session.engine.powerButton().catch(() => {
    throw new Failure("Error triggering power button", ...deviceFailure("the guest has no process 1").chain);
  });
};
