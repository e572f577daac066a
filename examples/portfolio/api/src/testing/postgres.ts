/**
 * A PostgreSQL that lives as long as one test file: TLS and SCRAM on loopback for the API's role,
 * a socket without password for the tests. The roles and default privileges are those of a deployment.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";

const INSTALLED = "/usr/lib/postgresql";
const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const USER = ["postgres", "nobody"].find((name) => process.getuid?.() === 0 && readFileSync("/etc/passwd", "utf8").includes(`\n${name}:`));
const BIN = findServer();

/** Why the tests that need a database are skipped, or undefined where they can run. */
export const SKIP_REASON = BIN === undefined ? `no PostgreSQL server below ${INSTALLED}` : undefined;

export type Database = {
  /** As the API connects: role rw, TLS checked against its own authority. */
  readonly url: string;
  /** As the migrations connect: the owner of the schema. */
  readonly owner: pg.Pool;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

export function listMigrations(direction: "up" | "down"): string[] {
  const files = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith(`.${direction}.sql`))
    .toSorted();
  return direction === "up" ? files : files.toReversed();
}

/** Each file in one transaction, then its name into (or out of) the list of what is applied. */
export async function migrate(owner: pg.Pool, direction: "up" | "down"): Promise<void> {
  for (const file of listMigrations(direction)) {
    const name = file.replace(/\.(up|down)\.sql$/, "");
    const note =
      direction === "up" ? `insert into croft_migrations values ('${name}')` : `delete from croft_migrations where name = '${name}'`;
    await owner.query(`begin;\n${readFileSync(join(MIGRATIONS, file), "utf8")};\n${note};\ncommit`);
  }
}

export async function startDatabase(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), "portfolio-db-"));
  if (USER !== undefined) chownSync(folder, Number(execFileSync("id", ["-u", USER])), Number(execFileSync("id", ["-g", USER])));
  initialise(folder);
  const port = await findPort();
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(...asUser([join(BIN ?? "", "postgres"), "-D", join(folder, "data"), "-k", folder, "-p", String(port)]), {
      stdio: "ignore",
      cwd: folder,
    });
    await untilAnswers(folder, port);
  };
  const stop = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null) return;
    server.kill("SIGINT");
    await once(server, "exit");
  };
  await start();
  const owner = await prepare(folder, port);
  const query = `sslmode=verify-full&sslrootcert=${join(folder, "ca.crt")}`;
  return {
    url: `postgres://portfolio_rw:a1B2c3D4@localhost:${port}/portfolio?${query}`,
    owner,
    start,
    stop,
    remove: async () => {
      await owner.end();
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function findServer(): string | undefined {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(INSTALLED, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** PostgreSQL refuses to run as root. */
function asUser([program = "", ...rest]: readonly string[]): [string, string[]] {
  if (USER === undefined) return [program, rest];
  return [
    "setpriv",
    ["--reuid", USER, "--regid", execFileSync("id", ["-gn", USER], { encoding: "utf8" }).trim(), "--clear-groups", program, ...rest],
  ];
}

function run(folder: string, words: readonly string[]): void {
  execFileSync(...asUser(words), { cwd: folder, stdio: "pipe" });
}

function initialise(folder: string): void {
  run(folder, [join(BIN ?? "", "initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
  const subject = (name: string): string[] => [
    "-subj",
    `/CN=${name}`,
    "-nodes",
    "-days",
    "2",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
  ];
  run(folder, ["openssl", "req", "-x509", ...subject("test authority"), "-keyout", "ca.key", "-out", "ca.crt"]);
  run(folder, [
    "openssl",
    "req",
    "-x509",
    ...subject("localhost"),
    "-addext",
    "subjectAltName=DNS:localhost",
    "-addext",
    "basicConstraints=critical,CA:false",
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-keyout",
    "data/server.key",
    "-out",
    "data/server.crt",
  ]);
  const settings = ["fsync = off", "ssl = on", "listen_addresses = 'localhost'", "max_connections = 60"];
  writeFileSync(join(folder, "data/postgresql.auto.conf"), `${settings.join("\n")}\n`);
  writeFileSync(join(folder, "data/pg_hba.conf"), "local all all trust\nhostssl all portfolio_rw localhost scram-sha-256\n");
}

async function prepare(folder: string, port: number): Promise<pg.Pool> {
  const admin = new pg.Pool({ host: folder, port, user: "postgres", database: "postgres", max: 1 });
  await admin.query("create role portfolio_owner login");
  await admin.query("create role portfolio_rw login password 'a1B2c3D4'");
  await admin.query("create database portfolio owner portfolio_owner");
  await admin.end();
  const owner = new pg.Pool({ host: folder, port, user: "portfolio_owner", database: "portfolio", max: 3 });
  owner.on("error", () => undefined);
  await owner.query("alter default privileges grant select, insert, update, delete on tables to portfolio_rw");
  await owner.query("create table croft_migrations (name text primary key, applied_at timestamptz not null default now())");
  return owner;
}

async function untilAnswers(folder: string, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const client = new pg.Client({ host: folder, port, user: "postgres", database: "postgres" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return await client.end();
    } catch {
      await wait(100);
    }
  }
  throw new Error("PostgreSQL did not start");
}

async function findPort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
