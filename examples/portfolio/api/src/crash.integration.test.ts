/** The built program, killed where it hurts: no object may outlive its name, and memory must not grow with uploads. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, KEY } from "./testing/client.ts";
import { makePng, padPng } from "./testing/pictures.ts";
import { type Database, migrate, SKIP_REASON, startDatabase } from "./testing/postgres.ts";
import { NO_STORAGE, startStorage, type Storage } from "./testing/storage.ts";

const reason = SKIP_REASON ?? NO_STORAGE;
const CONTENTS = "/api/portfolio/v1/projects/5eed0000-0000-4000-8000-000000000101/contents";
const PART = '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n';
const MIB = 1024 * 1024;

describe.skipIf(reason)(`a killed API${reason ? ` (${reason})` : ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "portfolio-crash-"));
  const running = new Set<ChildProcess>();
  let [database, storage] = [] as unknown as [Database, Storage];
  beforeAll(async () => {
    execFileSync(process.execPath, [join(import.meta.dirname, "../build.ts"), folder]);
    [database, storage] = await Promise.all([startDatabase(), startStorage({ tls: true })]);
    await migrate(database.owner, "up");
  }, 90_000);
  afterAll(async () => {
    for (const child of running) await kill(child);
    await Promise.all([database?.remove(), storage?.remove()]);
    rmSync(folder, { recursive: true });
  });

  const start = async (
    more: Readonly<Record<string, string>> = storage.env,
  ): Promise<{ child: ChildProcess; base: string; metrics: string }> => {
    const env = { DATABASE_URL: database.url, HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0", API_KEY: KEY, ...more };
    const child = spawn(process.execPath, ["server.js"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    running.add(child);
    let output = "";
    child.stdout?.on("data", (chunk) => void (output += chunk));
    while (!output.includes("listening")) await wait(20);
    const [, port, metrics] = /"port":(\d+),"metricsPort":(\d+)/.exec(output) ?? [];
    return { child, base: `http://127.0.0.1:${port}`, metrics: `http://127.0.0.1:${metrics}/metrics` };
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    running.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  /** A form that never ends: its first file is whole where `next` begins another part. */
  const begin = (base: string, bytes: Uint8Array, next: string): void => {
    const headers = { ...ADMIN, "Content-Type": "multipart/form-data; boundary=b" };
    const form = send(base + CONTENTS, { method: "PATCH", headers }).on("error", () => undefined);
    form.write(PART);
    form.write(bytes);
    form.write(next);
  };
  const listTrash = async (): Promise<string[]> =>
    (await database.owner.query("select object_key from object_trash")).rows.map((row) => row.object_key);

  test("between upload and commit: the next one removes the object", async () => {
    const { child, base } = await start();
    begin(base, makePng(), `\r\n${PART}`);
    await expect.poll(storage.listKeys, { timeout: 20_000 }).toHaveLength(1);
    expect(await listTrash()).toEqual(await storage.listKeys());
    await kill(child);
    await start();
    await expect.poll(storage.listKeys, { timeout: 60_000, interval: 300 }).toEqual([]);
    await expect.poll(listTrash, { timeout: 10_000 }).toEqual([]);
  }, 120_000);

  test("in the middle of an upload: the next one removes its parts", async () => {
    const { child, base } = await start();
    begin(base, padPng(12 * MIB), "");
    await expect.poll(listTrash, { timeout: 20_000 }).toHaveLength(1);
    const [key = ""] = await listTrash();
    await expect.poll(() => storage.listUnfinished(key), { timeout: 20_000 }).toBe(1);
    await kill(child);
    await start();
    await expect.poll(listTrash, { timeout: 60_000, interval: 300 }).toEqual([]);
    expect(await storage.listUnfinished(key)).toBe(0);
  }, 120_000);

  test("between removal and the object's end: the next one finishes", async () => {
    const { child, base } = await start();
    const form = new FormData();
    form.append("photo", new Blob([new Uint8Array(makePng())]), "a.png");
    expect((await fetch(base + CONTENTS, { method: "PATCH", headers: ADMIN, body: form })).status).toBe(200);
    await kill(child);
    await database.owner.query("delete from asset where object_key not like 'static:%'");
    expect(await storage.listKeys()).toHaveLength(1);
    await start();
    await expect.poll(storage.listKeys, { timeout: 20_000 }).toEqual([]);
  }, 60_000);

  test("storage is believed only with the authority that is named", async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = storage.env;
    const askStorage = async (more: Record<string, string>): Promise<string> => {
      const { base } = await start(more);
      return ((await (await fetch(`${base}/readyz`)).json()) as { checks: { storage: string } }).checks.storage;
    };
    expect(await askStorage(storage.env)).toBe("ok");
    expect(await askStorage(env)).toBe("unavailable");
  }, 30_000);

  test("300 MiB of uploads at once need no more memory than a few parts", async () => {
    const { base, metrics } = await start();
    const getMemory = async (): Promise<number> =>
      Number(/^process_resident_memory_bytes (\d+)$/m.exec(await (await fetch(metrics)).text())?.[1]);
    const before = await getMemory();
    const picture = new Blob([new Uint8Array(padPng(50 * MIB))]);
    const upload = async (): Promise<number> => {
      const form = new FormData();
      form.append("photo", picture, "a.png");
      return (await fetch(base + CONTENTS, { method: "PATCH", headers: ADMIN, body: form })).status;
    };
    let most = 0;
    const watch = setInterval(
      () =>
        void getMemory().then(
          (now) => (most = Math.max(most, now)),
          () => undefined,
        ),
      200,
    );
    expect(await Promise.all(Array.from({ length: 6 }, upload))).toEqual(Array(6).fill(200));
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    expect((most - before) / MIB).toBeLessThan(150);
    expect(await storage.listKeys()).toHaveLength(6);
  }, 120_000);
});
