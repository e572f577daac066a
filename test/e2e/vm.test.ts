/** One machine by hand: what each verb does, what status and plan say of it, and that `up` brings back what the file says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureCgroups } from "../../provisioner/hypervisor/standin/engines/nspawn/cgroups.ts";
import { guestName, machinePaths, sitePaths } from "../../provisioner/model/names.ts";
import { ROOT, copySite, croft, editFile, mustCroft, onMachine } from "./croft.ts";
import { MEBIBYTE, limitsOf } from "./guest.ts";

const NAME = { site: "hello-vm", environment: "default" };
const ROOTS = { state: join(ROOT, "state"), cache: "", run: join(ROOT, "run") };
const PATHS = machinePaths(NAME, "web", ROOTS);

let site = "";
let file = "";

const vm = (...words: readonly string[]) => croft(["vm", ...words, "--file", site]);
const mustVm = (...words: readonly string[]) => mustCroft("vm", ...words, "--file", site);
const stateOf = async (): Promise<string> => (JSON.parse((await mustVm("list", "--json")).out) as { state: string }[])[0]?.state ?? "";
const differs = async (): Promise<boolean> => (await croft(["plan", site, "--detailed-exitcode"])).code === 2;
const process = (): string => readFileSync(PATHS.pid, "utf8");
const limits = (): readonly string[] => limitsOf(ensureCgroups(guestName(PATHS.socket)).folders);

beforeAll(async () => {
  site = copySite("hello");
  file = join(site, "croft.yaml");
  editFile(file, "site: hello", `site: ${NAME.site}`);
  await croft(["destroy", "--purge", site]);
  await mustCroft("up", site);
});
afterAll(async () => {
  await croft(["destroy", "--purge", site]);
});

test("a stopped machine is a difference, and up starts it", async () => {
  expect((await mustVm("stop", "web")).out).toContain("`croft vm start web` or `croft up` starts it again.");
  expect(await stateOf()).toBe("stopped");
  const status = (await mustCroft("status", site)).out;
  expect(status).toMatch(/^ {2}web +stopped/m);
  expect(status).toMatch(/machine\/web: update, drifted from what croft applied/);
  expect((await mustCroft("plan", site)).out).toMatch(/state: stopped (->|→) running/);
  expect((await mustVm("stop", "web")).out).toContain("Machine web is stopped already.");
  expect((await vm("pause", "web")).err).toContain("machine web is stopped: there is nothing to pause");
  await mustCroft("up", site);
  expect(await differs()).toBe(false);
  const journal = readFileSync(sitePaths(NAME, ROOTS).journal, "utf8");
  expect(journal).toContain("croft vm stop web");
});

test("a paused machine is a difference that keeps nobody waiting; up lets it go on without a restart", async () => {
  const before = process();
  await mustVm("pause", "web");
  expect(await stateOf()).toBe("paused");
  const status = (await mustCroft("status", site)).out;
  expect(status).toMatch(/^ {2}web +paused/m);
  expect(status).toContain("machine web cannot be reached: it does not run");
  expect((await vm("ssh", "web", "--", "true")).code).not.toBe(0);
  await mustCroft("up", site);
  expect(await differs()).toBe(false);
  expect(process()).toBe(before);
});

test("resume, and a power button that a paused machine hears; start goes on as before", async () => {
  await mustVm("pause", "web");
  await mustVm("resume", "web");
  expect(await stateOf()).toBe("running");
  expect(await differs()).toBe(false);
  await mustVm("pause", "web");
  await mustVm("stop", "web");
  expect(await stateOf()).toBe("stopped");
  expect(readFileSync(PATHS.events, "utf8")).toMatch(/"resumed"[^]*"shutdown"/);
  await mustVm("start", "web");
  expect(await differs()).toBe(false);
});

test("a size is taken from the file, live", async () => {
  const before = process();
  expect((await vm("resize", "web", "--cpus", "2")).err).toMatch(/croft\.yaml:5 says cpus: 1 for machine web, not 2/);
  expect((await mustVm("resize", "web")).out).toContain("Machine web is as croft.yaml says: cpus: 1, memory: 512MiB.");
  editFile(file, "web: { memory: 512MiB }", "web: { cpus: 2, memory: 768MiB }");
  expect(await differs()).toBe(true);
  await mustVm("resize", "web", "--cpus", "2", "--memory", "768MiB");
  expect(limits()).toEqual([String(768 * MEBIBYTE), "200000"]);
  expect(await differs()).toBe(false);
  expect(process()).toBe(before);
  editFile(file, "768MiB", "640MiB");
  const refused = await vm("resize", "web");
  expect(refused.err).toContain("memory shrinks only with a restart");
  expect(refused.err).toContain("`croft up` does it, with a restart");
  editFile(file, "640MiB", "768MiB");
});

test("a disk is made, attached and there after a restart", async () => {
  const before = process();
  expect((await vm("add-disk", "web", "--disk", "data")).err).toMatch(/write disks: \{ data: 1GiB \} at .*croft\.yaml:5/);
  editFile(file, "memory: 768MiB }", "memory: 768MiB, disks: { data: 64MiB } }");
  await mustVm("add-disk", "web", "--disk", "data");
  const mount = "mkdir -p /mnt/d && mount /dev/disk/by-id/virtio-cd-* /mnt/d";
  await onMachine(site, "web", `${mount} && echo kept > /mnt/d/file && umount /mnt/d`);
  expect(process()).toBe(before);
  expect(await differs()).toBe(false);
  await mustVm("stop", "web");
  await mustVm("start", "web");
  expect(await onMachine(site, "web", `${mount} && cat /mnt/d/file && umount /mnt/d`)).toContain("kept");
  expect(limits()).toEqual([String(768 * MEBIBYTE), "200000"]);
  expect(await differs()).toBe(false);
});
