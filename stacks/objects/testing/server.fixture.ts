/** A throw-away object store on the loopback, started as its unit starts it, for tests. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DEFAULT_ROOTS, cachePaths } from "../../../provisioner/model/names.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import { sh } from "../../../provisioner/transport/sh.ts";
import type { Result, Shell } from "../../../provisioner/transport/shell.ts";
import { PORT } from "../names.ts";
import { identityFile, renderGuard, renderIdentity, renderProbe, renderUnit } from "../render.ts";
import type { AppBucket, ProgramName } from "../section.ts";
import { openVerbs } from "../strangers.ts";

export const ADMIN = "A".repeat(32);
export const secretOf = (name: string): string =>
  name === "objects/admin" ? ADMIN : name.replaceAll(/[^A-Za-z0-9]/g, "x").padEnd(32, "y");

/** A cache for tests alone: a program imported there is tried out here and changes no plan of this host. */
const TEST_CACHE = join(cachePaths().folder, "test");
const CACHES = [process.env["CROFT_TEST_CACHE"] ?? TEST_CACHE, cachePaths().folder].map(
  (cache) => cachePaths({ ...DEFAULT_ROOTS, cache }).artifacts,
);

/** The program as it lies in a cache; undefined where it never was fetched or imported. */
export const findProgram = (name: ProgramName): string | undefined =>
  CACHES.filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .find((path) => basename(path).startsWith(`${name}-`) && !basename(path).includes("."));

const AFTER: Readonly<Record<ProgramName, string>> = {
  minio: "`croft artifact fetch minio`",
  seaweedfs: "`croft artifact import seaweedfs FILE`",
};

/** Why tests of a program skip, for their title. */
export const skipReason = (name: ProgramName): string =>
  findProgram(name) === undefined ? ` (skipped: its program is in no cache; ${AFTER[name]} brings it)` : "";

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const DEADLINE_MS = 60_000;

export class ObjectServer {
  readonly folder = mkdtempSync(join(tmpdir(), "croft-objects-"));
  readonly shell: Shell = makeLocalShell();
  readonly port: number;
  readonly name: ProgramName;
  #program: string;
  #buckets: readonly AppBucket[];
  #process: ChildProcess | undefined;

  private constructor(name: ProgramName, program: string, port: number, buckets: readonly AppBucket[]) {
    this.name = name;
    this.port = port;
    this.#program = program;
    this.#buckets = buckets;
  }

  static async make(name: ProgramName, program: string, buckets: readonly AppBucket[]): Promise<ObjectServer> {
    const server = new ObjectServer(name, program, await freePort(), buckets);
    mkdirSync(join(server.folder, "state"));
    server.writeIdentity();
    return server;
  }

  get identity(): string {
    return join(this.folder, identityFile(this.name));
  }

  writeIdentity(text?: string): void {
    const template = renderIdentity(this.name, this.#buckets)[identityFile(this.name)] ?? "";
    const filled = template.replaceAll(/\{\{secret ([^}]+)\}\}/g, (_all, name: string) => secretOf(name));
    writeFileSync(this.identity, text ?? filled, { mode: 0o600 });
  }

  /** The unit's own lines, with the places of this test. */
  #settings(): { readonly words: readonly string[]; readonly environment: Readonly<Record<string, string>> } {
    const unit = renderUnit({ program: this.name, address: "127.0.0.1", memoryBytes: 1024 ** 3, device: "" })
      .replaceAll("%d/identity", this.identity)
      .replaceAll("/var/lib/objects", join(this.folder, "state"))
      .replaceAll(String(PORT), String(this.port));
    const lines = unit.split("\n");
    const start =
      lines
        .find((line) => line.startsWith("ExecStart="))
        ?.slice("ExecStart=".length)
        .split(" ") ?? [];
    const pairs = lines
      .filter((line) => line.startsWith("Environment="))
      .flatMap((line) => line.slice("Environment=".length).split(" "))
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);
    return { words: start.slice(1), environment: Object.fromEntries(pairs) };
  }

  /** What the unit does before it starts the program; the host's root stands for the data disk. */
  async guard(): Promise<Result> {
    const script = join(this.folder, "guard");
    writeFileSync(script, renderGuard(this.name));
    return this.shell.run(sh`sh ${script} ${this.folder} /`);
  }

  async probe(): Promise<Result> {
    const script = join(this.folder, "probe");
    writeFileSync(script, renderProbe({ program: this.name, address: "127.0.0.1" }));
    return this.shell.run(sh`sh ${script} ${this.folder} ${`127.0.0.1:${this.port}`}`);
  }

  get store() {
    return { shell: this.shell, address: "127.0.0.1", port: this.port, secret: ADMIN };
  }

  /** Past the guard, as nothing on a machine does. */
  async startAnyway(): Promise<void> {
    const { words, environment } = this.#settings();
    // As its unit does before it starts; MinIO makes its own.
    if (this.name === "seaweedfs") mkdirSync(join(this.folder, "state", this.name), { recursive: true });
    this.#process = spawn(this.#program, words, { env: { PATH: process.env["PATH"], ...environment }, stdio: "ignore" });
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const answers = await openVerbs(this.store).then(
        (open) => !open.some((one) => / 5\d\d$/.test(one)),
        () => false,
      );
      if (answers) return;
      if (performance.now() > deadline || this.#process.exitCode !== null) throw new Error("the store did not start");
      await wait(50);
    }
  }

  async start(): Promise<void> {
    const guard = await this.guard();
    if (!guard.ok) throw new Error(guard.stderr);
    await this.startAnyway();
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await ended;
  }

  async destroy(): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
