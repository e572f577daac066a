/** A throw-away object store on the loopback, started as its unit starts it, for tests. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DEFAULT_ROOTS, cachePaths } from "../../../provisioner/model/names.ts";
import { makeLocalShell } from "../../../provisioner/transport/local.ts";
import { sh } from "../../../provisioner/transport/sh.ts";
import type { Result, Shell } from "../../../provisioner/transport/shell.ts";
import { PORT } from "../names.ts";
import { SEAWEED_PORTS, identityFile, renderGuard, renderIdentity, renderProbe, renderReady, renderUnit } from "../render.ts";
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

/** Below those that the kernel gives away, and free together with its neighbour 10,000 higher. */
const freePair = async (): Promise<number> => {
  const isFree = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const server = createServer()
        .once("error", () => resolve(false))
        .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 8000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
};

const DEADLINE_MS = 60_000;

export class ObjectServer {
  readonly folder = mkdtempSync(join(tmpdir(), "croft-objects-"));
  readonly shell: Shell = makeLocalShell();
  readonly port: number;
  readonly name: ProgramName;
  #program: string;
  #buckets: readonly AppBucket[];
  /** Other ports for those of the unit. */
  readonly #ports: ReadonlyMap<number, number>;
  #process: ChildProcess | undefined;

  /** Stands for the state directory of the unit. */
  readonly state: string;

  private constructor(
    name: ProgramName,
    program: string,
    ports: ReadonlyMap<number, number>,
    buckets: readonly AppBucket[],
    state?: string,
  ) {
    this.name = name;
    this.#ports = ports;
    this.port = ports.get(PORT) ?? PORT;
    this.state = state ?? join(this.folder, "state");
    this.#program = program;
    this.#buckets = buckets;
  }

  static async make(name: ProgramName, program: string, buckets: readonly AppBucket[], state?: string): Promise<ObjectServer> {
    const ports = new Map<number, number>();
    for (const port of [PORT, ...Object.values(SEAWEED_PORTS)]) ports.set(port, await freePair());
    const server = new ObjectServer(name, program, ports, buckets, state);
    mkdirSync(server.state, { recursive: true });
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
      .replaceAll("/var/lib/objects", this.state)
      .replaceAll(/(?<=port=|:)\d+/g, (port) => String(this.#ports.get(Number(port)) ?? port));
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

  /** What the unit does before it counts as started. */
  async #ready(): Promise<void> {
    const script = join(this.folder, "ready");
    writeFileSync(script, renderReady({ address: "127.0.0.1" }));
    const master = `127.0.0.1:${this.#ports.get(SEAWEED_PORTS.master) ?? 0}`;
    await this.shell.run(sh`sh ${script} ${`127.0.0.1:${this.port}`} ${master}`, { timeoutMs: DEADLINE_MS });
  }

  /** Past the guard, as nothing on a machine does. */
  async startAnyway(): Promise<void> {
    const { words, environment } = this.#settings();
    // As its unit does before it starts; MinIO makes its own.
    if (this.name === "seaweedfs") mkdirSync(join(this.state, this.name), { recursive: true });
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
    if (this.name === "seaweedfs") await this.#ready();
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
    // SeaweedFS makes these in a folder of its own choice; on a machine that is private to its unit.
    const ports = [...this.#ports.values()].flatMap((port) => [port, port + 10_000]);
    const isMine = (name: string): boolean => ports.some((port) => name.startsWith("seaweedfs-") && name.endsWith(`-${port}.sock`));
    for (const name of readdirSync("/tmp").filter(isMine)) rmSync(join("/tmp", name), { force: true });
  }
}
