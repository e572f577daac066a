/** A machine that does not come up says why. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, copySite, croft, mustCroft, program } from "./croft.ts";

let site = "";

beforeAll(async () => {
  site = copySite("hello");
  await croft(["destroy", "--purge", site]);
});

afterAll(async () => {
  await croft(["destroy", "--purge", site]);
});

test("a root disk without an init: the step fails with the console's last lines", async () => {
  await mustCroft("up", site);
  const folder = `${ROOT}/state/hello/default/machines/web`;
  await program(
    `for pid in $(pgrep -f [b]in/croft-vmm); do kill -9 $pid; done; sleep 1; mount -o loop ${folder}/root-*.raw /mnt && mv /mnt/usr/lib/systemd/systemd /mnt/usr/lib/systemd/systemd.away; umount /mnt`,
  );
  const outcome = await croft(["up", site]);
  expect(outcome.code).toBe(1);
  expect(outcome.out).toMatch(/machine\/web FAILED/);
  expect(outcome.out).toMatch(/stopped before it was up|did not answer by SSH in time/);
  expect(outcome.out).toContain("next: croft vm log web");
  expect(outcome.out).toMatch(/\| .+/);
});
