import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { doorPoint, faultPoint, insideStep, setFaults } from "./faults.ts";

afterEach(() => setFaults({}));

const throughDoors = (step: string): Promise<void> =>
  insideStep(step, async () => {
    for (let door = 0; door < 2; door += 1) {
      await doorPoint("before");
      await doorPoint("after");
    }
  });

test("records every point, doors numbered per step, also side by side", async () => {
  const record = join(mkdtempSync(join(tmpdir(), "croft-faults-")), "points");
  setFaults({ record });
  await Promise.all([throughDoors("a/a"), throughDoors("b/b")]);
  await faultPoint("a/a", "after-effect");
  const lines = readFileSync(record, "utf8").trim().split("\n");
  const ofStep = (step: string): readonly string[] => lines.filter((line) => line.startsWith(step)).map((line) => line.slice(4));
  expect(ofStep("a/a")).toEqual(["door-1-before", "door-1-after", "door-2-before", "door-2-after", "after-effect"]);
  expect(ofStep("b/b")).toEqual(["door-1-before", "door-1-after", "door-2-before", "door-2-after"]);
});

test("a door outside of a step is no point", async () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  setFaults({ kill: "*:door-1-before" });
  await doorPoint("before");
  expect(kill).not.toHaveBeenCalled();
});

test.each(["a/a:door-2-after", "*:door-2-after"])(
  "kills at %s and goes no further",
  async (point) => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    setFaults({ kill: point });
    const ended = vi.fn<() => void>();
    void throughDoors("a/a").then(ended);
    await vi.waitFor(() => expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, "SIGKILL"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).not.toHaveBeenCalled();
  },
  500,
);
