/** Looking at processes while they come and go. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ProcessSampler } from "./sinks.ts";

/** Starts a program that gets a secret in its environment, again and again: by fork and exec, as systemd does. */
const STARTER = `
import { spawnSync } from "node:child_process";
for (;;) spawnSync("/bin/sh", ["server.js"], { argv0: "/usr/local/bin/node", env: { SECRET: "meant-for-the-program" }, stdio: "ignore" });
`;

test("an environment that a program gets between two reads is the program's own; another's is remembered", async () => {
  const folder = mkdtempSync(join(tmpdir(), "croft-sampler-"));
  writeFileSync(join(folder, "server.js"), ":\n");
  const starter = spawn(process.execPath, ["--input-type=module", "--eval", STARTER], {
    cwd: folder,
    env: { NOT_SECRET: "of-the-starter" },
    stdio: "ignore",
  });
  const sampler = new ProcessSampler();
  try {
    const end = Date.now() + 6000;
    while (Date.now() < end) sampler.sample();
    const environments = sampler.sinks().find(({ name }) => name === "environments");
    expect(await environments?.find(["meant-for-the-program", "of-the-starter"])).toEqual(["of-the-starter"]);
  } finally {
    sampler.stop();
    starter.kill();
    rmSync(folder, { recursive: true });
  }
});
