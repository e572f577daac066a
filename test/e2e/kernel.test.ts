/** The smallest example on a machine with a kernel of its own: emulated by QEMU, so slow, and otherwise as on KVM. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasProgram } from "../../provisioner/host/bootstrap.ts";
import { hostInventory, sweepEmptyGroups } from "../inventory.ts";
import { ROOT, copySite, croft, hostFiles, program } from "./croft.ts";

const missing = !hasProgram("qemu-system-x86_64") && !hasProgram("apt-get");
const REASON = "skipped where neither QEMU nor apt is";
const environment = { CROFT_HYPERVISOR: "stand-in", CROFT_VMM_ENGINE: "qemu" };
let site = "";
let before: readonly string[] = [];

const run = async (...words: readonly string[]): Promise<string> => {
  const outcome = await croft(words, { environment });
  if (outcome.code !== 0) throw new Error(`croft ${words.join(" ")} exited ${outcome.code}\n${outcome.out}\n${outcome.err}`);
  return outcome.out;
};

const onWeb = (...command: readonly string[]): Promise<string> => run("vm", "ssh", "web", "--file", site, "--", ...command);

beforeAll(async () => {
  if (missing) return;
  site = copySite("hello");
  await croft(["destroy", "--purge", site], { environment });
  rmSync(ROOT, { recursive: true, force: true });
  sweepEmptyGroups();
  before = hostInventory();
});

afterAll(async () => {
  if (!missing) await croft(["destroy", "--purge", site], { environment });
});

describe.skipIf(missing)(`a machine with its own kernel (${REASON})`, () => {
  test("up boots it and its page is served", async () => {
    expect(await run("up", site)).toContain("https://hello.test/");
    expect(await run("smoke", site)).toMatch(/(\d+) of \1 checks passed/);
    expect(await run("vm", "list", "--file", site)).toMatch(/web +running/);
  });

  test("it is a machine: another kernel than the host's, every unit well, disks by serial", async () => {
    const kernel = (await onWeb("uname", "-r")).trim();
    expect(kernel).toMatch(/-cloud-amd64$/);
    expect(kernel).not.toBe((await program("uname -r")).trim());
    expect((await onWeb("systemctl", "list-units", "--failed", "--plain", "--no-legend")).trim()).toBe("");
    expect(await onWeb("ls", "/dev/disk/by-id")).toMatch(/virtio-root\s+virtio-seed/);
    expect(await run("vm", "log", "web", "--file", site, "--lines", "5000")).toContain("Linux version");
    expect((await onWeb("findmnt", "-no", "SOURCE", "/")).trim()).toBe("/dev/vda");
  });

  test("a second up changes nothing", async () => {
    const files = await hostFiles();
    expect(await run("up", site)).toMatch(/No changes/);
    expect(await hostFiles()).toEqual(files);
  });

  test("a disk comes and goes while it runs", async () => {
    const api = (name: string, body: object): Promise<string> =>
      program(
        `curl --silent --fail-with-body --unix-socket ${ROOT}/run/hello/default/web/api.sock -X PUT http://localhost/api/v1/${name} -d '${JSON.stringify(body)}'`,
      );
    const disk = `${ROOT}/extra.raw`;
    await program(`truncate -s 16M ${disk}`);
    await api("vm.add-disk", { path: disk, image_type: "Raw", serial: "extra", id: "extra" });
    expect((await onWeb("udevadm", "wait", "--timeout=30", "/dev/disk/by-id/virtio-extra")).trim()).toBe("");
    expect((await onWeb("lsblk", "-dnbo", "SIZE", "/dev/disk/by-id/virtio-extra")).trim()).toBe(String(16 * 1024 * 1024));
    await api("vm.remove-device", { id: "extra" });
    expect(await onWeb("ls", "/dev/disk/by-id")).not.toContain("extra");
    rmSync(disk);
  });

  test("destroy leaves nothing", async () => {
    await run("destroy", "--purge", site);
    expect(hostInventory()).toEqual(before);
  });
});
