/** A throw-away PostgreSQL, set up with the files that croft renders, for tests. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

const writeFiles = (folder: string, port: number): void => {
  const conf = renderConf({ version: 17, memoryBytes: MEMORY, address: "127.0.0.2", network: "127.0.0.0/8", device: "" })
    .replaceAll(`/etc/croft/slots/${CERTIFICATE_SLOT}/current`, folder)
    .replaceAll("/etc/croft/postgres", folder)
    .replaceAll(SOCKET_FOLDER, folder)
    .replace("port = 5432", `port = ${port}`);
  writeFileSync(join(folder, "postgresql.conf"), `${conf}fsync = off\n`);
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

export const makeCluster = async (programs: string): Promise<Cluster> => {
  const folder = mkdtempSync(join(tmpdir(), "croft-postgres-"));
  const port = await freePort();
  mkdirSync(join(folder, "data"));
  chownSync(folder, postgresId("u"), postgresId("g"));
  chmodSync(folder, 0o755);
  writeFiles(folder, port);
  const data = join(folder, "data");
  asPostgres([
    join(programs, "initdb"),
    `--pgdata=${data}`,
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--auth-local=peer",
    "--auth-host=scram-sha-256",
    "--no-sync",
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
    destroy: () => {
      if (existsSync(join(data, "postmaster.pid"))) control("-m", "immediate", "stop");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  cluster.start();
  return cluster;
};
