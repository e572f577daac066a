/** Generations that cut a machine off, or die half way: the machine goes back by itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, copySite, croft, editFile, mustCroft, onMachine, program, withDefect } from "./croft.ts";
import type { Outcome } from "./croft.ts";
import type { Defect } from "./defect.ts";

const GENERATIONS = "/var/lib/croft/generations";
const RIGHT_ADDRESS = "10.91.0.11";
let site = "";
let firewall = "";

const upWith = (texts: Defect["texts"]): Promise<Outcome> =>
  croft(["up", site], { environment: withDefect({ file: "/provisioner/machine/base-part.ts", texts }) });

const PORT_CLOSED: Defect["texts"][number] = ["tcp dport 22 accept", 'tcp dport ${input.machine === "web" ? 2 : 22} accept'];

/** Machine `spare` gets its address from a file of its generation. */
const addressFile = (address: string): Defect["texts"] => {
  const path = "/etc/systemd/network/05-eth0.network";
  const text = JSON.stringify(`[Match]\nName=eth0\n[Network]\nAddress=${address}/24\nGateway=10.91.0.1\n`);
  return [
    [
      'root("/etc/hosts", renderHosts(input)),',
      `root("/etc/hosts", renderHosts(input)), ...(input.machine === "spare" ? [root("${path}", ${text})] : []),`,
    ],
    [
      "units: [",
      `units: [ ...(input.machine === "spare" ? [{ name: "systemd-networkd.service", start: true, onChange: "restart" as const, watches: ["${path}"] }] : []),`,
    ],
  ];
};

const current = (machine: string): Promise<string> =>
  onMachine(site, machine, `readlink ${GENERATIONS}/current; cat ${GENERATIONS}/pending 2>/dev/null || true`);

const isReachable = async (machine: string): Promise<boolean> =>
  (await croft(["vm", "ssh", machine, "--file", site, "--", "true"])).code === 0;

const comesBack = async (machine: string, deadline: number): Promise<void> => {
  while (!(await isReachable(machine))) {
    if (Date.now() > deadline) throw new Error(`machine ${machine} did not come back`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

/** The new file is in place and the generation is not confirmed. */
const isHalfWay = async (deadline: number): Promise<void> => {
  const look = `grep -q half-way /etc/hosts && test -e ${GENERATIONS}/pending`;
  while ((await croft(["vm", "ssh", "web", "--file", site, "--", "sh", "-c", look])).code !== 0) {
    if (Date.now() > deadline) throw new Error("the generation was never half way");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

beforeAll(async () => {
  site = copySite("hello");
  editFile(join(site, "croft.yaml"), "machines:", "machines:\n  spare: { memory: 512MiB }");
  await croft(["destroy", "--purge", site]);
  const outcome = await upWith(addressFile(RIGHT_ADDRESS));
  expect(outcome.out + outcome.err).toMatch(/Done: /);
  firewall = await onMachine(site, "web", "nft -s list ruleset");
});

afterAll(async () => {
  await mustCroft("destroy", "--purge", site);
});

test("a firewall without croft's door, and a wrong address: both are taken back within 60 s", async () => {
  const before = await Promise.all(["web", "spare"].map(current));
  const outcome = await upWith([PORT_CLOSED, ...addressFile("10.91.0.99")]);
  const ended = Date.now();
  expect(outcome.code).toBe(1);
  for (const machine of ["web", "spare"]) {
    expect(outcome.out).toMatch(new RegExp(`generation/${machine} FAILED.*machine ${machine} cannot be reached`));
  }
  expect(outcome.out).toMatch(/goes back by itself within 60 s/);
  expect(outcome.out).toMatch(/next: croft plan/);
  await Promise.all(["web", "spare"].map((machine) => comesBack(machine, ended + 65_000)));
  expect(await Promise.all(["web", "spare"].map(current))).toEqual(before);
  expect(await onMachine(site, "web", "nft -s list ruleset")).toBe(firewall);
  expect((await croft(["smoke", site])).code).toBe(0);
  expect((await upWith(addressFile(RIGHT_ADDRESS))).code).toBe(0);
});

test("a machine that dies while a generation is being activated boots with the one before", async () => {
  const before = await current("web");
  const hosts = await onMachine(site, "web", "cat /etc/hosts");
  const pid = readFileSync(`${ROOT}/run/hello/default/web/vmm.pid`, "utf8").split(" ")[0] ?? "";
  const slow = upWith([
    ...addressFile(RIGHT_ADDRESS),
    ['"127.0.0.1 localhost",', '"127.0.0.1 localhost half-way",'],
    ["probes: [],", 'probes: input.machine === "web" ? [{ name: "slow", command: "sleep 50", timeoutSeconds: 60 }] : [],'],
  ]);
  await isHalfWay(Date.now() + 30_000);
  await program(`kill -9 ${pid}`);
  const outcome = await slow;
  expect(outcome.code).toBe(1);
  expect(outcome.out).toMatch(/generation\/web FAILED/);
  // The host's own way to start it, with no croft around.
  await program(`setsid --fork sh ${ROOT}/state/hello/default/machines/web/run </dev/null >/dev/null 2>&1`);
  await comesBack("web", Date.now() + 60_000);
  expect(await current("web")).toBe(before);
  expect(await onMachine(site, "web", "cat /etc/hosts")).toBe(hosts);
  const again = await upWith(addressFile(RIGHT_ADDRESS));
  expect(again.code).toBe(0);
  expect((await croft(["smoke", site])).code).toBe(0);
});
