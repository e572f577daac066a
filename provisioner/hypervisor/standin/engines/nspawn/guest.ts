/** One run of a guest: its wrapper process, from start to the moment nothing of it is left. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, rmdirSync } from "node:fs";
import type { Readable } from "node:stream";
import { deviceFailure, Failure } from "../../core/failure.ts";
import type { BootHooks, GuestEnd } from "../../core/ports.ts";
import type { Cgroups } from "./cgroups.ts";
import { findLoops } from "./facts.ts";
import { renderGuestScript, type GuestPlan } from "./script.ts";
import { keepTail } from "../tail.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What systemd-nspawn says of a guest that wants to start again. */
const REBOOT_CODE = 133;
const GONE_MS = 15_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A death of this process kills the wrapper, whose death kills every process of the guest. */
const spawnWrapper = (plan: GuestPlan): ChildProcess =>
  spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "--fork", "--pid", "--mount-proc", "--kill-child=KILL", "sh", "-c", renderGuestScript(plan)],
    { stdio: ["ignore", "pipe", "pipe", "pipe"], env: { PATH, LANG: "C.UTF-8" } },
  );

export type Guest = { readonly child: ChildProcess; readonly exited: Promise<number>; readonly plan: GuestPlan };

const endOf = (code: number): GuestEnd => {
  if (code === REBOOT_CODE) return "reboot";
  return code === 0 ? "powerOff" : "died";
};

/** Resolves when the guest's own first process is about to run. @throws Failure with the script's last words. */
export const startGuest = async (plan: GuestPlan, hooks: BootHooks): Promise<Guest> => {
  const child = spawnWrapper(plan);
  const [, stdout, stderr, signal] = child.stdio;
  const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 128)).once("error", () => resolve(127)));
  const tail = keepTail(stderr as Readable);
  (stdout as Readable).on("data", hooks.onConsole);
  let ready = false;
  const started = new Promise<void>((resolve) =>
    (signal as Readable).once("data", () => {
      ready = true;
      resolve();
    }),
  );
  await Promise.race([started, exited]);
  if (!ready) throw deviceFailure("the guest could not be started", tail() || "no reason given");
  void exited.then((code) => hooks.onEnd(endOf(code)));
  return { child, exited, plan };
};

const disksOf = (plan: GuestPlan): readonly string[] => [plan.rootImage, ...plan.disks.map((disk) => disk.path)];

const isAttached = ({ network }: GuestPlan): boolean => network !== undefined && existsSync(`/sys/class/net/${network.veth}`);

/** What of the guest is still here, in words; empty where it is gone. */
const findRest = (plan: GuestPlan, cgroups: Cgroups): string => {
  if (cgroups.processes().length > 0) return "a process";
  if (disksOf(plan).some((path) => findLoops(path).length > 0)) return "a disk";
  return isAttached(plan) ? "the interface" : "";
};

/** Connections that were cut off with unsent bytes keep the guest's network alive for minutes after its last process, unless its link goes. */
const detach = (plan: GuestPlan): void => {
  try {
    execFileSync("ip", ["link", "delete", plan.network?.veth ?? ""], { stdio: "ignore" });
  } catch {
    // It went meanwhile.
  }
};

/** Kills what is left of the guest, of this program or of one that was killed, and waits for its devices to vanish. */
export const clearGuest = async (plan: GuestPlan, cgroups: Cgroups): Promise<void> => {
  const until = Date.now() + GONE_MS;
  for (let rest = findRest(plan, cgroups); rest !== ""; rest = findRest(plan, cgroups)) {
    if (rest === "the interface") detach(plan);
    cgroups.thaw();
    for (const pid of cgroups.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    }
    if (Date.now() > until)
      throw new Failure(
        "Error locking disk images: Another instance likely holds a lock",
        `${rest} of ${plan.machine} is still on this host`,
      );
    await sleep(20);
  }
  if (existsSync(plan.mountPoint)) rmdirSync(plan.mountPoint);
};

/** Pulls the plug. */
export const stopGuest = async (guest: Guest, cgroups: Cgroups): Promise<void> => {
  guest.child.kill("SIGKILL");
  cgroups.thaw();
  await guest.exited;
  await clearGuest(guest.plan, cgroups);
};
