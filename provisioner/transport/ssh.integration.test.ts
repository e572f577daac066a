/** The SSH door against a real server of ssh2's own, in this process. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import ssh2 from "ssh2";
import type { Server } from "ssh2";
import { insideStep, setFaults } from "../execute/faults.ts";
import { sh } from "./sh.ts";
import { keyFingerprint, makeKeyPair, makeSshShell } from "./ssh.ts";
import type { SshTarget } from "./ssh.ts";

const host = makeKeyPair("host");
const user = makeKeyPair("user");
let server: Server;
let port = 0;
let authenticated = 0;

/** Answers at once, in one packet with the channel's opening where it can: the hardest order for a client. */
beforeAll(async () => {
  server = new ssh2.Server({ hostKeys: [host.privateKey] }, (client) => {
    client.on("authentication", (context) => {
      authenticated += 1;
      context.accept();
    });
    client.on("error", () => {});
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      if (destPort === 1) reject();
      else accept().end(`${destIP}:${destPort}`);
    });
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        if (command === "hang") return;
        channel.write(`${command}\n`);
        channel.exit(command.startsWith("fail") ? 7 : 0);
        channel.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});

afterAll(() => server.close());

const target = (hostKeys: readonly string[]): SshTarget => ({
  label: "the test server",
  host: "127.0.0.1",
  port,
  user: "root",
  privateKey: user.privateKey,
  hostKeys,
  connectTimeoutMs: 5000,
});
const pinned = host.publicKey.split(" ").slice(0, 2).join(" ");

test("hundreds of short commands at once lose neither exit code nor output", async () => {
  const shell = makeSshShell(target([pinned]));
  for (let round = 0; round < 20; round += 1) {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => shell.run(index % 2 === 0 ? sh`ok ${index}` : sh`fail ${index}`)),
    );
    results.forEach((result, index) => {
      expect(result.exitCode).toBe(index % 2 === 0 ? 0 : 7);
      expect(result.stdout).toBe(`${index % 2 === 0 ? "ok" : "fail"} ${index}\n`);
    });
  }
  await shell.close();
});

test("another host key ends the connection before anything is sent", async () => {
  const before = authenticated;
  const other = makeKeyPair("other").publicKey;
  const shell = makeSshShell(target([other]));
  await expect(shell.run(sh`true`)).rejects.toMatchObject({
    code: "HOST_KEY",
    transient: false,
    message: "the SSH host key of the test server is not the pinned one; nothing was sent",
    tail: `offered ${keyFingerprint(pinned)}\npinned  ${keyFingerprint(other)}`,
    hint: "if the machine was rebuilt outside croft, replace it with croft; otherwise somebody is in between",
  });
  expect(authenticated).toBe(before);
});

test("a command that never ends is given up", async () => {
  const shell = makeSshShell(target([pinned]));
  await expect(shell.run(sh`hang`, { timeoutMs: 100 })).rejects.toMatchObject({ code: "COMMAND_TIMEOUT", transient: true });
  await shell.close();
});

test("a stream goes to a port as it is named from there; a closed one is an error that may pass", async () => {
  const shell = makeSshShell(target([pinned]));
  expect(await text(await shell.connectTcp("10.91.0.13", 8080))).toBe("10.91.0.13:8080");
  await expect(shell.connectTcp("10.91.0.13", 1)).rejects.toMatchObject({ code: "TRANSPORT", transient: true });
  await shell.close();
});

test("fingerprints are those of OpenSSH", () => {
  const blob = Buffer.from(pinned.split(" ")[1] ?? "", "base64");
  expect(keyFingerprint(pinned)).toBe(`SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`);
});

test("a connection that is refused passes no kill point, so that steps which wait for one have the same points each time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "croft-ssh-"));
  const record = join(folder, "points");
  setFaults({ record });
  const [refused, open] = [makeSshShell({ ...target([pinned]), port: 1 }), makeSshShell(target([pinned]))];
  try {
    await insideStep("machine/web", async () => {
      for (let attempt = 0; attempt < 3; attempt += 1) await expect(refused.run(sh`true`)).rejects.toThrow();
      await open.run(sh`true`);
    });
    expect(readFileSync(record, "utf8")).toBe("machine/web door-1-before\nmachine/web door-1-after\n");
  } finally {
    setFaults({});
    await Promise.all([refused.close(), open.close()]);
    rmSync(folder, { recursive: true });
  }
});
