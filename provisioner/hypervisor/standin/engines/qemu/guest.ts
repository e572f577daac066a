/** One run of QEMU, from start to its end and what that end meant. */
import { spawn, type ChildProcess } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { guestName } from "../../../../model/names.ts";
import type { VmConfig } from "../../config/vm.ts";
import { deviceFailure, Failure } from "../../core/failure.ts";
import type { BootHooks, GuestEnd } from "../../core/ports.ts";
import { openQmp, type Qmp } from "./qmp.ts";
import { QEMU, qemuWords } from "./words.ts";
import { keepTail } from "../tail.ts";

export type Guest = { readonly child: ChildProcess; readonly qmp: Qmp; readonly exited: Promise<unknown> };

const GONE_MS = 15_000;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const hasWord = (file: string, word: string): boolean => {
  try {
    return readFileSync(file, "utf8").split("\0").includes(word);
  } catch {
    return false;
  }
};

/** A killed program takes its QEMU with it; this waits until the kernel is done with that. */
const waitForOld = async (name: string): Promise<void> => {
  const until = Date.now() + GONE_MS;
  while (globSync("/proc/[0-9]*/cmdline").some((file) => hasWord(file, `guest=${name}`))) {
    if (Date.now() > until) throw new Failure("Error locking disk images: Another instance likely holds a lock", `${name} still runs`);
    await sleep(20);
  }
};

/** A death of this process kills QEMU. */
const spawnQemu = (config: VmConfig, name: string): ChildProcess =>
  spawn("setpriv", ["--pdeathsig", "KILL", QEMU, ...qemuWords(config, name)], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { PATH, LANG: "C.UTF-8" },
  });

const ENDS: Readonly<Record<string, GuestEnd>> = { "guest-shutdown": "powerOff", "guest-reset": "reboot" };

/** Resolves when the guest's processor runs. @throws Failure with QEMU's last words. */
export const startGuest = async (config: VmConfig, apiSocket: string, hooks: BootHooks): Promise<Guest> => {
  const name = guestName(apiSocket);
  await waitForOld(name);
  const child = spawnQemu(config, name);
  const [, stdout, stderr, control] = child.stdio;
  // `close` comes after the last byte of every stream: the reason for the end is known by then.
  const exited = new Promise<undefined>((resolve) => child.once("close", () => resolve(undefined)).once("error", () => resolve(undefined)));
  const tail = keepTail(stderr as Readable);
  (stdout as Readable).on("data", hooks.onConsole);
  const qmp = await Promise.race([openQmp(control as Duplex).catch(() => exited), exited]);
  if (qmp === undefined) throw deviceFailure("the guest could not be started", tail() || `${QEMU} gave no reason`);
  let reason = "";
  qmp.listen((event, data) => {
    if (event === "SHUTDOWN") reason = String(data["reason"]);
  });
  // Only now, so that the shortest guest cannot end unheard.
  await qmp.command("cont");
  void exited.then(() => hooks.onEnd(ENDS[reason] ?? "died"));
  return { child, qmp, exited };
};
