/** The gate as a program of its own on a socket, with files instead of credentials. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BucketKey, Issuer, Policy, Shown } from "./settings.ts";

export type GateInput = {
  /** Holds the socket and everything it reads. */
  readonly folder: string;
  readonly issuers: Readonly<Record<string, Issuer>>;
  readonly policies: Readonly<Record<string, Policy>>;
  readonly buckets?: Readonly<Record<string, Shown>>;
  readonly bucketKeys?: Readonly<Record<string, BucketKey>>;
  /** Whom it trusts beside the system's authorities. */
  readonly authority: string;
};

export type Gate = { readonly child: ChildProcess; readonly log: () => string; readonly stop: (signal?: NodeJS.Signals) => Promise<void> };

export const startGate = async ({ folder, issuers, policies, buckets = {}, bucketKeys = {}, authority }: GateInput): Promise<Gate> => {
  await writeFile(join(folder, "config.json"), JSON.stringify({ socket: join(folder, "gate.sock"), issuers, policies, buckets }));
  for (const [name, { key, secret }] of Object.entries(bucketKeys)) await writeFile(join(folder, `bucket-${name}`), `${key} ${secret}\n`);
  await writeFile(join(folder, "cookie-key"), "a key for cookies in tests");
  await writeFile(join(folder, "ca.pem"), authority);
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), join(folder, "config.json"), `${folder}/`], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const add = (part: unknown): void => {
      text += String(part);
      if (text.includes("the gate answers")) resolve();
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.once("exit", (code) => reject(new Error(`the gate exited ${code}: ${text}`)));
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  return { child, log: () => text, stop };
};
