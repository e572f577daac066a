import { expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import type { Shell } from "../transport/shell.ts";
import { probedOperations } from "./health.ts";

const failing = (error: CroftError): Shell => ({
  label: "machine identity",
  run: () => Promise.reject(error),
  connectUnix: () => Promise.reject(error),
  connectTcp: () => Promise.reject(error),
  close: () => Promise.resolve(),
});

test("a service that leaves its probes without an answer is not well; it is no failure of the question", async () => {
  const hanging = failing(new CroftError("COMMAND_TIMEOUT", "a command took longer than 60000 ms"));
  expect(await probedOperations.health(hanging)).toEqual({ ok: false, detail: "its probes gave no answer in 60 s" });
});

test("a machine that cannot be reached stays an error of its own", async () => {
  await expect(probedOperations.health(failing(new CroftError("TRANSPORT", "gone")))).rejects.toMatchObject({ code: "TRANSPORT" });
});
