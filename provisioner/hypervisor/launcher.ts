/** Starts and stops a machine's hypervisor: as a unit where PID 1 is systemd, otherwise detached. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../host/files.ts";
import { guestName } from "../model/names.ts";
import { sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";
import { makeClient } from "./client.ts";
import { safePart } from "../model/safe.ts";
import type { HypervisorClient } from "./client.ts";
import { renderMachineUnit, renderStopScript } from "./machine-config.ts";
import { findProcess, killProcess, waitGone } from "./process.ts";

export type LauncherTools = { readonly shell: Shell; readonly siteKey: string };

type Paths = {
  readonly folder: string;
  readonly run: string;
  readonly runScript: string;
  readonly socket: string;
  readonly pid: string;
  readonly log: string;
};

/** How long a guest has to obey its power button before its plug is pulled. */
const POWER_OFF_MS = 25_000;

const hasSystemd = (): boolean => existsSync("/run/systemd/system");

export const machineUnitName = (siteKey: string, machine: string): string =>
  `croft-${siteKey.split("/").map(safePart).join("-")}-${safePart(machine)}.service`;

export const unitPath = (unit: string): string => join("/etc/systemd/system", unit);

const startUnit = async (tools: LauncherTools, name: string, paths: Paths): Promise<void> => {
  const unit = machineUnitName(tools.siteKey, name);
  const stop = join(paths.folder, "stop");
  await replaceFile(stop, renderStopScript(paths.socket), 0o700);
  const text = renderMachineUnit({ description: `croft machine ${name} of ${tools.siteKey}`, run: paths.runScript, stop });
  await replaceFile(unitPath(unit), text, 0o644);
  await must(
    tools.shell,
    `starting machine ${name}`,
    sh`systemctl daemon-reload && systemctl enable --quiet ${unit} && systemctl restart ${unit}`,
  );
};

const startDetached = (tools: LauncherTools, name: string, paths: Paths): Promise<string> =>
  must(
    tools.shell,
    `starting machine ${name}`,
    sh`setsid --fork env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh ${paths.runScript} </dev/null >>${paths.log} 2>&1`,
  );

const start = async (tools: LauncherTools, name: string, paths: Paths): Promise<void> => {
  if (hasSystemd()) await startUnit(tools, name, paths);
  else await startDetached(tools, name, paths);
  const deadline = performance.now() + 15_000;
  while ((await findProcess(paths.pid)) === undefined && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** State in the hypervisor's own words; undefined where it does not answer. */
const info = async (paths: Paths): Promise<string | undefined> => {
  const client = makeClient(paths.socket);
  try {
    return (await client.info()).state;
  } catch {
    return undefined;
  } finally {
    client.close();
  }
};

/** A paused guest could not hear its power button. */
const wake = async (client: HypervisorClient): Promise<void> => {
  const state = await client.info().then(
    (found) => found.state,
    () => undefined,
  );
  if (state === "Paused") await client.resume().catch(() => {});
};

const stop = async (tools: LauncherTools, name: string, paths: Paths): Promise<void> => {
  const found = await findProcess(paths.pid);
  if (found === undefined) return;
  const client = makeClient(paths.socket);
  try {
    await wake(client);
    const pressed = await client.powerButton().then(
      () => true,
      () => false,
    );
    if (!pressed || !(await waitGone(found, POWER_OFF_MS))) {
      await client.vmmShutdown().catch(() => {});
      await waitGone(found, 3000);
    }
  } finally {
    client.close();
  }
  await killProcess(found);
  if (hasSystemd()) await tools.shell.run(sh`systemctl stop ${machineUnitName(tools.siteKey, name)}`);
};

/** Empty control groups that a killed hypervisor left; one still in use stays. */
const removeGroups = (tools: LauncherTools, paths: Paths): Promise<unknown> =>
  tools.shell.run(
    sh`for parent in /sys/fs/cgroup/croft /sys/fs/cgroup/*/croft; do [ -d "$parent" ] || continue; [ ! -d "$parent"/${guestName(paths.socket)} ] || find "$parent"/${guestName(paths.socket)} -depth -type d -exec rmdir {} + 2>/dev/null; rmdir "$parent" 2>/dev/null; done; true`,
  );

/** Removes what only starting left: control groups and the unit. */
const forget = async (tools: LauncherTools, name: string, paths: Paths): Promise<void> => {
  await removeGroups(tools, paths);
  if (!hasSystemd()) return;
  const unit = machineUnitName(tools.siteKey, name);
  await tools.shell.run(sh`systemctl disable --quiet ${unit}`);
  await rm(unitPath(unit), { force: true });
  await tools.shell.run(sh`systemctl daemon-reload`);
};

export const makeLauncher = (tools: LauncherTools) => ({
  start: (name: string, paths: Paths): Promise<void> => start(tools, name, paths),
  stop: (name: string, paths: Paths): Promise<void> => stop(tools, name, paths),
  forget: (name: string, paths: Paths): Promise<void> => forget(tools, name, paths),
  info,
  /** A paused machine runs on. */
  wake: async (paths: Paths): Promise<void> => {
    if ((await findProcess(paths.pid)) === undefined) return;
    const client = makeClient(paths.socket);
    await wake(client).finally(() => client.close());
  },
});
