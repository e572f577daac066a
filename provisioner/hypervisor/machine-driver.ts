/** Effects of one machine: its folder, its hypervisor, its first boot. */
import { mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { renderSeed } from "../../cloud-init/render.ts";
import { writeSeed } from "../../cloud-init/seed.ts";
import { CroftError, errorChain } from "../errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import { doorPoint } from "../execute/faults.ts";
import { replaceFile } from "../host/files.ts";
import { shortHash } from "../model/names.ts";
import type { JsonObject, Observation } from "../plan/resource.ts";
import { allOf, sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { consoleTail, parseHostKeys } from "./host-keys.ts";
import { makeLauncher } from "./launcher.ts";
import type { MachinePayload } from "./machine-resource.ts";
import { findProcess } from "./process.ts";

export type MachinePaths = {
  readonly folder: string;
  readonly vmJson: string;
  readonly seed: string;
  readonly runScript: string;
  readonly mark: string;
  readonly log: string;
  readonly run: string;
  readonly socket: string;
  readonly pid: string;
  readonly root: (imageId: string) => string;
};

export type MachineTools = {
  readonly shell: Shell;
  readonly siteId: string;
  readonly siteKey: string;
  readonly paths: (machine: string) => MachinePaths;
  /** croft's public SSH key, written into seeds. */
  readonly publicKey: () => Promise<string>;
  /** Ends once a command ran on the machine over SSH. */
  readonly connect: (machine: string, hostKeys: readonly string[]) => Promise<void>;
  /** Forgets connections to a machine that is about to stop. */
  readonly disconnect: (machine: string) => Promise<void>;
  readonly bootTimeoutMs: number;
};

const nameOf = (id: string): string => id.slice("machine/".length);
export const specFile = (paths: MachinePaths): string => join(paths.folder, "machine.json");
export const hostKeyFile = (paths: Pick<MachinePaths, "folder">): string => join(paths.folder, "host-keys");

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
export const readText = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
const fileHash = async (path: string): Promise<string> => {
  const text = await readText(path);
  return text === undefined ? "absent" : shortHash(text, 16);
};

/** The tap is there and plugged into a bridge. */
const networkFact = async (vmJson: string): Promise<string> => {
  const config = JSON.parse(vmJson) as { net?: readonly { tap: string }[] };
  const tap = config.net?.[0]?.tap ?? "";
  return (await exists(`/sys/class/net/${tap}/master`)) ? "connected" : "cut";
};

/** Milliseconds for which a hypervisor that refuses is asked again: one that has just been started listens a little later. */
const PATIENCE_MS = 3000;

export const stateFact = async (
  paths: MachinePaths,
  launcher: Pick<ReturnType<typeof makeLauncher>, "info">,
  patienceMs = PATIENCE_MS,
): Promise<string> => {
  const until = performance.now() + patienceMs;
  for (;;) {
    if ((await findProcess(paths.pid)) === undefined) return "stopped";
    const info = await launcher.info(paths);
    if (info !== undefined) return info.toLowerCase();
    if (performance.now() >= until) return "unresponsive";
    await sleep(100);
  }
};

export const observeMachine = async (tools: MachineTools, request: ObserveRequest): Promise<Observation> => {
  const paths = tools.paths(nameOf(request.id));
  if ((await readText(paths.mark)) === undefined) return { status: "absent" };
  const recordedSpec = await readText(specFile(paths));
  const vmJson = await readText(paths.vmJson);
  const state = await stateFact(paths, makeLauncher(tools));
  // Half made: it may run already, and whoever removes the site has to stop it.
  if (recordedSpec === undefined || vmJson === undefined) return { status: "present", facts: { state } };
  const started = (await readText(join(paths.run, "started")))?.trim();
  const config = shortHash(vmJson, 16);
  const facts: JsonObject = {
    ...(JSON.parse(recordedSpec) as JsonObject),
    config: state === "running" && started !== config ? `started with ${started}` : config,
    script: await fileHash(paths.runScript),
    network: state === "running" ? await networkFact(vmJson) : "connected",
    state,
  };
  return { status: "present", facts };
};

/** The folder's mark says whose it is before anything is in it. */
const claimFolder = async (tools: MachineTools, paths: MachinePaths): Promise<void> => {
  const mark = await readText(paths.mark);
  const found = mark === undefined && (await readdir(paths.folder).catch(() => [])).length > 0;
  if (found || (mark !== undefined && mark !== tools.siteId)) {
    throw new CroftError("FOREIGN", `${paths.folder} is there but is not this site's`, {
      hint: "move it away by hand; croft never takes over what it did not make",
    });
  }
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  if (mark === undefined) await replaceFile(paths.mark, tools.siteId, 0o600);
};

const ensureRoot = async (tools: MachineTools, paths: MachinePaths, payload: MachinePayload): Promise<void> => {
  const { image, rootDiskBytes } = payload.input;
  const target = paths.root(image.id);
  if (await exists(target)) return;
  const temporary = `${target}.new`;
  await must(
    tools.shell,
    `copying the root disk of machine ${payload.input.name}`,
    allOf([
      sh`rm -f ${temporary}`,
      sh`cp --sparse=always --reflink=auto ${image.rootFile} ${temporary}`,
      sh`chmod 0600 ${temporary}`,
      ...((await stat(image.rootFile)).size === rootDiskBytes
        ? []
        : [sh`truncate -s ${rootDiskBytes} ${temporary}`, sh`e2fsck -fp ${temporary} || test $? -le 1`, sh`resize2fs -f ${temporary}`]),
    ]),
    { timeoutMs: 600_000 },
  );
  // The new root makes new host keys; what the console and the pin say of older roots ends here.
  await rm(hostKeyFile(paths), { force: true });
  await rm(paths.log, { force: true });
  await rename(temporary, target);
};

const ensureSeed = async (tools: MachineTools, paths: MachinePaths, payload: MachinePayload): Promise<void> => {
  const { hostname, seed } = payload.input;
  const authorizedKeys = [await tools.publicKey()];
  await writeSeed(tools.shell, renderSeed({ instanceId: seed.instanceId, hostname, authorizedKeys }), paths.seed);
};

/** Both disks side by side, then the files that name them: a configuration is never there before its disks. */
const writeFiles = async (tools: MachineTools, paths: MachinePaths, payload: MachinePayload): Promise<void> => {
  const made = await Promise.allSettled([ensureRoot(tools, paths, payload), ensureSeed(tools, paths, payload)]);
  const failed = made.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  await replaceFile(paths.vmJson, payload.vmJson, 0o600);
  await replaceFile(paths.runScript, payload.runScript, 0o700);
};

const bootError = async (paths: MachinePaths, name: string, what: string): Promise<CroftError> =>
  new CroftError("MACHINE_BOOT", `machine ${name} ${what}`, {
    tail: consoleTail((await readText(paths.log)) ?? "(the console is empty)", 25),
    hint: `croft vm log ${name}`,
  });

/** A look costs well under a millisecond; a refused connection little more. */
const POLL_MS = 20;

/** Pins the keys the console showed; already pinned ones stay. */
const pinHostKeys = async (paths: MachinePaths, name: string, deadline: number): Promise<readonly string[]> => {
  const pinned = await readText(hostKeyFile(paths));
  if (pinned !== undefined) return pinned.trim().split("\n");
  while (performance.now() < deadline) {
    const keys = parseHostKeys((await readText(paths.log)) ?? "");
    if (keys.length > 0) {
      await replaceFile(hostKeyFile(paths), `${keys.join("\n")}\n`, 0o600);
      return keys;
    }
    if ((await findProcess(paths.pid)) === undefined) throw await bootError(paths, name, "stopped before it was up");
    await sleep(POLL_MS);
  }
  throw await bootError(paths, name, "did not show its SSH host key in time");
};

const connectUntil = async (
  tools: MachineTools,
  paths: MachinePaths,
  name: string,
  keys: readonly string[],
  deadline: number,
): Promise<void> => {
  for (;;) {
    const failed = await tools.connect(name, keys).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failed === undefined) return;
    if (failed instanceof CroftError && !failed.transient) throw failed;
    if (performance.now() > deadline)
      throw await bootError(paths, name, `did not answer by SSH in time (${errorChain(failed).join(": ")})`);
    if ((await findProcess(paths.pid)) === undefined) throw await bootError(paths, name, "stopped before it was up");
    await sleep(POLL_MS);
  }
};

/** Starts it where it does not run, and waits until croft is let in. */
export const boot = async (tools: MachineTools, paths: MachinePaths, request: ApplyRequest): Promise<readonly string[]> => {
  const name = nameOf(request.step.id);
  const launcher = makeLauncher(tools);
  if ((await findProcess(paths.pid)) === undefined) await launcher.start(name, paths);
  const deadline = performance.now() + tools.bootTimeoutMs;
  request.progress("waiting for its console");
  const keys = await pinHostKeys(paths, name, deadline);
  request.progress("waiting for SSH");
  await connectUntil(tools, paths, name, keys, deadline);
  return keys;
};

const mustStop = async (paths: MachinePaths, vmJson: string, launcher: ReturnType<typeof makeLauncher>): Promise<boolean> => {
  if ((await findProcess(paths.pid)) === undefined) return false;
  const started = (await readText(join(paths.run, "started")))?.trim();
  const network = await networkFact(vmJson);
  return started !== shortHash(vmJson, 16) || network === "cut" || (await launcher.info(paths)) !== "Running";
};

const removeOldRoots = async (paths: MachinePaths, imageId: string): Promise<void> => {
  const keep = paths.root(imageId).slice(paths.folder.length + 1);
  for (const name of await readdir(paths.folder)) {
    if (/^root-.*\.raw(\.new)?$/.test(name) && name !== keep) await rm(join(paths.folder, name), { force: true });
  }
};

/** Puts the files of the last good boot back and boots them. */
const bootOldRoot = async (
  tools: MachineTools,
  paths: MachinePaths,
  request: ApplyRequest,
  old: string,
  error: unknown,
): Promise<never> => {
  const name = nameOf(request.step.id);
  const launcher = makeLauncher(tools);
  request.progress("going back to the old root disk");
  await launcher.stop(name, paths);
  await replaceFile(paths.vmJson, old, 0o600);
  await rm(hostKeyFile(paths), { force: true });
  await rename(`${hostKeyFile(paths)}.old`, hostKeyFile(paths)).catch(() => {});
  await launcher.start(name, paths);
  throw error;
};

const apply = async (tools: MachineTools, request: ApplyRequest): Promise<JsonObject> => {
  const payload = request.resource.payload as MachinePayload;
  const name = nameOf(request.step.id);
  const paths = tools.paths(name);
  const launcher = makeLauncher(tools);
  await claimFolder(tools, paths);
  const oldJson = await readText(paths.vmJson);
  const oldKeys = await readText(hostKeyFile(paths));
  await launcher.wake(paths);
  if (oldJson !== undefined && (await mustStop(paths, payload.vmJson, launcher))) {
    request.progress("stopping");
    await tools.disconnect(name);
    await launcher.stop(name, paths);
  }
  const newRoot = !(await exists(paths.root(payload.input.image.id)));
  if (newRoot) request.progress("copying the root disk");
  if (newRoot && oldKeys !== undefined) await replaceFile(`${hostKeyFile(paths)}.old`, oldKeys, 0o600);
  await writeFiles(tools, paths, payload);
  request.progress("starting");
  const replaced = newRoot && oldJson !== undefined && oldJson !== payload.vmJson;
  const keys = await boot(tools, paths, request).catch((error: unknown) =>
    replaced ? bootOldRoot(tools, paths, request, oldJson, error) : Promise.reject(error as Error),
  );
  await removeOldRoots(paths, payload.input.image.id);
  await rm(`${hostKeyFile(paths)}.old`, { force: true });
  await replaceFile(specFile(paths), `${JSON.stringify(request.resource.spec)}\n`, 0o600);
  return { hostKeys: keys, address: payload.input.config.address };
};

const remove = async (tools: MachineTools, request: RemoveRequest): Promise<void> => {
  const name = nameOf(request.step.id);
  const paths = tools.paths(name);
  const launcher = makeLauncher(tools);
  const vmJson = await readText(paths.vmJson);
  await tools.disconnect(name);
  request.progress("stopping");
  await launcher.stop(name, paths);
  await launcher.forget(name, paths);
  const tap = vmJson === undefined ? undefined : (JSON.parse(vmJson) as { net?: readonly { tap: string }[] }).net?.[0]?.tap;
  if (tap !== undefined) await must(tools.shell, "removing the tap", sh`ip link delete ${tap} 2>/dev/null || true`);
  await doorPoint("before");
  await rm(paths.run, { recursive: true, force: true });
  await rm(paths.folder, { recursive: true, force: true });
  await doorPoint("after");
};

export const makeMachineDriver = (tools: MachineTools): Driver => ({
  kind: "machine",
  observe: observeEach((request) => observeMachine(tools, request)),
  apply: (request) => apply(tools, request),
  remove: (request) => remove(tools, request),
});
