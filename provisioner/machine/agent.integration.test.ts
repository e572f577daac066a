/** The on-machine script itself, below folders of its own: in a mount namespace, with a systemctl that only says yes. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "../transport/tar.ts";
import { AGENT } from "./agent-script.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "croft-agent-"));
  for (const folder of ["etc", "run", "bin"]) await mkdir(join(root, folder));
  await writeFile(join(root, "bin/systemctl"), "#!/bin/sh\nexit 0\n");
  await chmod(join(root, "bin/systemctl"), 0o755);
  await writeFile(join(root, "agent"), AGENT);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const MOUNTS =
  'mkdir -p /etc/croft && mount --bind "$0/etc" /etc/croft && mount --bind "$0/run" /run && mount --bind "$0/bin" /usr/local/sbin';

const callScript = (words: readonly string[], input: Uint8Array): Promise<{ readonly code: number; readonly out: string }> =>
  new Promise((resolve, reject) => {
    const script = `${MOUNTS} && exec sh "$0/agent" "$@"`;
    const child = spawn("unshare", ["--mount", "sh", "-c", script, root, ...words], { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.once("error", reject).once("close", (code) => resolve({ code: code ?? 128, out }));
    child.stdin.end(input);
  });

test("slots filled at the same time take effect one after the other", async () => {
  // Fails where another check is between its two steps.
  const check = 'set -C; : > /run/checking || exit 1; sleep 0.3; rm /run/checking; echo "$PPID" >> /run/checked';
  const tar = await packTar([{ name: "server.conf", content: Buffer.from("a"), mode: 0o600 }]);
  const names = ["traffic-a", "traffic-b", "keys"];
  const results = await Promise.all(
    names.map((name) => callScript(["slot", name, "v1", "0644", "root:root", "croft-gateway.service", "reload", check], tar)),
  );
  expect(results).toEqual(names.map(() => ({ code: 0, out: "" })));
  expect((await readFile(join(root, "run/checked"), "utf8")).trim().split("\n")).toHaveLength(3);
});
