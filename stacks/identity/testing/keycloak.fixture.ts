/** A real Keycloak on loopback, with the configuration that croft renders, on a database that the test brings. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../../../provisioner/errors.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import type { Command } from "../../../provisioner/transport/sh.ts";
import type { Shell } from "../../../provisioner/transport/shell.ts";
import { CONFIG, DATA, ENVIRONMENT, MANAGEMENT_PORT, PORT, PROGRAM } from "../names.ts";
import { renderConfig } from "../render.ts";

export const hasJava = (): boolean => process.getuid?.() === 0 && spawnSync("java", ["-version"]).status === 0;

export type Database = {
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  readonly authority: string;
};

export type Input = {
  readonly archive: string;
  readonly builds: string;
  /** What an image does with the archive's folder. */
  readonly build: string;
  readonly database: Database;
  /** Of the first administrator. */
  readonly secret: string;
  /** What it is called, with a port where that is another one than 443. */
  readonly host?: string;
};

/** Requests from here carry headers that Keycloak believes. */
export const GATEWAY = "127.0.0.3";
export const HOST = "auth.shop.test";

export type Keycloak = {
  readonly folder: string;
  readonly port: number;
  readonly managementPort: number;
  readonly config: string;
  readonly log: () => string;
  /** As croft reaches the machine. */
  readonly shell: Shell;
  readonly stop: () => Promise<void>;
  readonly destroy: () => Promise<void>;
};

const freePorts = async (): Promise<readonly [number, number]> => {
  const servers = [createServer(), createServer()].map((server) => server.listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const [first, second] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [first ?? 0, second ?? 0];
};

/** The image's own commands, with another home. Built once and kept: it takes the better part of a minute. */
const ensureHome = ({ archive, builds, build }: Input): string => {
  const commands = build.split("\n").filter((line) => line.includes("kc.sh build"));
  const java = execFileSync("sh", ["-c", "java -version 2>&1 | head -n 1"], { encoding: "utf8" }).replaceAll(/[^0-9]+/g, "-");
  const home = join(builds, `keycloak-${archive.slice(-16)}${java}test`);
  if (existsSync(home)) return home;
  const work = mkdtempSync(join(builds, ".keycloak-"));
  execFileSync("tar", ["-xzf", archive, "-C", work, "--no-same-owner", "--strip-components=1"]);
  execFileSync("chmod", ["0755", work]);
  for (const command of commands) execFileSync("sh", ["-euc", command.replaceAll("/opt/keycloak", work)], { stdio: "ignore" });
  renameSync(work, home);
  return home;
};

/** What is built is shared; what runs has data of its own. */
const makeHome = (built: string, folder: string): string => {
  const home = join(folder, "home");
  mkdirSync(join(home, "data"), { recursive: true });
  cpSync(join(built, "bin"), join(home, "bin"), { recursive: true });
  for (const name of ["conf", "lib", "providers", "themes"]) symlinkSync(join(built, name), join(home, name));
  return home;
};

const ready = async (port: number, child: ChildProcess, log: () => string): Promise<void> => {
  for (let turn = 0; turn < 1200; turn += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    if (child.exitCode !== null) throw new Error(`Keycloak ended with ${child.exitCode}\n${log().slice(-3000)}`);
    await sleep(200);
  }
  throw new Error(`Keycloak is not ready\n${log().slice(-3000)}`);
};

const configOf = (folder: string, { database, host = HOST }: Input, port: number, managementPort: number): string =>
  renderConfig({
    memoryBytes: 1024 ** 3,
    address: "127.0.0.1",
    gateway: GATEWAY,
    host,
    database: { host: "localhost", port: String(database.port), name: database.name, user: database.user },
  })
    .replace("/etc/croft/authority.pem", join(folder, "authority.pem"))
    .replace(`http-port=${PORT}`, `http-port=${port}`)
    .replace(`http-management-port=${MANAGEMENT_PORT}`, `http-management-port=${managementPort}`);

const makeShell = (local: Shell, paths: Readonly<Record<string, string>>): Shell => ({
  ...local,
  label: "machine id",
  run: (command, options) => {
    const text = Object.entries(paths).reduce((result, [from, to]) => result.replaceAll(from, to), command.text);
    return local.run({ ...command, text } as Command, options);
  },
  connectTcp: (address, port) => {
    if (address !== "127.0.0.1") throw new CroftError("BUG", `not Keycloak's address: ${address}`);
    return local.connectTcp(address, port);
  },
});

export const startKeycloak = async (input: Input): Promise<Keycloak> => {
  const { builds, database, secret } = input;
  mkdirSync(builds, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "croft-keycloak-"));
  const home = makeHome(ensureHome(input), folder);
  execFileSync("chmod", ["0755", folder]);
  const [port, managementPort] = await freePorts();
  const config = configOf(folder, input, port, managementPort);
  const environment = {
    KC_DB_PASSWORD: database.password,
    KC_BOOTSTRAP_ADMIN_CLIENT_ID: "croft",
    KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: secret,
  };
  writeFileSync(join(folder, "keycloak.conf"), config);
  writeFileSync(join(folder, "authority.pem"), database.authority);
  writeFileSync(
    join(folder, "environment"),
    Object.entries(environment)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const output = openSync(join(folder, "log"), "a");
  const program = join(home, "bin/kc.sh");
  const child = spawn(program, [`--config-file=${join(folder, "keycloak.conf")}`, "start", "--optimized"], {
    stdio: ["ignore", output, output],
    env: { ...process.env, ...environment, JAVA_OPTS_KC_HEAP: "-Xms64m -Xmx460m" },
  });
  closeSync(output);
  const log = (): string => readFileSync(join(folder, "log"), "utf8");
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const destroy = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  await ready(managementPort, child, log).catch(async (error: unknown) => {
    await destroy();
    throw error;
  });
  const paths = {
    [PROGRAM]: program,
    [CONFIG]: join(folder, "keycloak.conf"),
    [ENVIRONMENT]: join(folder, "environment"),
    [DATA]: join(home, "data"),
    // The cache is closed to others.
    "--reuid=nobody --regid=nogroup": "--reuid=root --regid=root",
  };
  return { folder, port, managementPort, config, log, shell: makeShell(makeLocalShell(), paths), stop, destroy };
};
