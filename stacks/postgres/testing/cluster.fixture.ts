/** A throw-away PostgreSQL, set up with the files that croft renders, for tests. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CroftError } from "../../../provisioner/errors.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import type { Shell } from "../../../provisioner/transport/shell.ts";
import { CERTIFICATE_SLOT, SOCKET, SOCKET_FOLDER } from "../names.ts";
import { renderConf, renderHba, renderIdent } from "../render.ts";

const ROOT = "/usr/lib/postgresql";
const MEMORY = 1024 ** 3;

/** Folder of the newest server's programs; undefined where none is installed or the test is not root. */
export const findServer = (): string | undefined => {
  if (process.getuid?.() !== 0 || !existsSync(ROOT)) return undefined;
  const versions = readdirSync(ROOT).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(ROOT, version, "bin")).find((folder) => existsSync(join(folder, "postgres")));
};

export type Cluster = {
  readonly folder: string;
  readonly port: number;
  /** Connections that croft has opened so far. */
  readonly opened: () => number;
  readonly shell: Shell;
  readonly start: () => void;
  readonly stop: () => void;
  /** The server and all that it started, as systemd ends a unit whose main process was killed. */
  readonly kill: () => Promise<void>;
  readonly destroy: () => void;
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** As the user postgres, whose id the test need not know. */
const asPostgres = (words: readonly string[]): string =>
  execFileSync("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", ...words], {
    cwd: "/",
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

const postgresId = (name: "u" | "g"): number => Number(execFileSync("id", [`-${name}`, "postgres"], { encoding: "utf8" }));

export type ClusterOptions = {
  /** With exactly what croft renders; else nothing is synced, which is faster. */
  readonly durable?: boolean;
  /** Where its data lies. */
  readonly place?: string;
};

const writeFiles = (folder: string, port: number, durable: boolean): void => {
  const conf = renderConf({ version: 17, memoryBytes: MEMORY, address: "127.0.0.2", network: "127.0.0.0/8", device: "" })
    .replaceAll(`/etc/croft/slots/${CERTIFICATE_SLOT}/current`, folder)
    .replaceAll("/etc/croft/postgres", folder)
    .replaceAll(SOCKET_FOLDER, folder)
    .replace("port = 5432", `port = ${port}`);
  writeFileSync(join(folder, "postgresql.conf"), durable ? conf : `${conf}fsync = off\n`);
  writeFileSync(join(folder, "pg_hba.conf"), renderHba({ network: "127.0.0.0/8" }));
  writeFileSync(join(folder, "pg_ident.conf"), renderIdent());
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-keyout",
      join(folder, "key.pem"),
      "-out",
      join(folder, "chain.pem"),
    ],
    { stdio: "ignore" },
  );
  for (const file of readdirSync(folder)) chownSync(join(folder, file), postgresId("u"), postgresId("g"));
  chmodSync(join(folder, "key.pem"), 0o600);
};

const makeShell = (socket: string, onOpen: () => void): Shell => ({
  label: "machine data",
  run: () => Promise.reject(new Error("no command was expected")),
  connectUnix: (path) =>
    new Promise((resolve, reject) => {
      if (path !== SOCKET) throw new Error(`not the server's socket: ${path}`);
      const stream = connect(socket, () => resolve(stream));
      stream.once("error", (cause) => reject(new CroftError("TRANSPORT", "no socket", { cause, transient: true })));
      onOpen();
    }),
  connectTcp: () => Promise.reject(new Error("no connection to a port was expected")),
  close: makeLocalShell().close,
});

const childrenOf = (parent: number): readonly number[] =>
  execFileSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" })
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);

/** Of the server; undefined where none runs. */
const findProcess = (data: string): number | undefined => {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  return existsSync(`/proc/${pid}/exe`) ? pid : undefined;
};

/** Ends only when nobody remembers their numbers: a server does not start beside one that might run. */
const killAll = async (data: string): Promise<void> => {
  const server = findProcess(data);
  if (server === undefined) return;
  const all = [server, ...childrenOf(server)];
  for (const pid of all) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  while (all.some((pid) => existsSync(`/proc/${pid}`))) await wait(2);
};

export const makeCluster = async (programs: string, { durable = false, place }: ClusterOptions = {}): Promise<Cluster> => {
  const folder = mkdtempSync(join(tmpdir(), "croft-postgres-"));
  const port = await freePort();
  const data = join(place ?? folder, "data");
  mkdirSync(data);
  for (const owned of [folder, data]) chownSync(owned, postgresId("u"), postgresId("g"));
  chmodSync(folder, 0o755);
  writeFiles(folder, port, durable);
  asPostgres([
    join(programs, "initdb"),
    `--pgdata=${data}`,
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--auth-local=peer",
    "--auth-host=scram-sha-256",
    ...(durable ? [] : ["--no-sync"]),
  ]);
  let opened = 0;
  const control = (...words: readonly string[]): void => void asPostgres([join(programs, "pg_ctl"), "-D", data, "-w", "-s", ...words]);
  const cluster = {
    folder,
    port,
    opened: () => opened,
    shell: makeShell(join(folder, `.s.PGSQL.${port}`), () => {
      opened += 1;
    }),
    start: () => control("-l", join(folder, "log"), "-o", `-c config_file=${join(folder, "postgresql.conf")}`, "start"),
    stop: () => control("-m", "fast", "stop"),
    kill: () => killAll(data),
    destroy: () => {
      if (findProcess(data) !== undefined) control("-m", "immediate", "stop");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  cluster.start();
  return cluster;
};
