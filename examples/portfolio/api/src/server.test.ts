/** The built file, alone in an empty folder, as it runs once deployed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, migrate, SKIP_REASON, startDatabase } from "./testing/postgres.ts";

const folders = ["one", "two"].map((name) => mkdtempSync(join(tmpdir(), `portfolio-build-${name}-`)));
const build = (folder: string) => execFileSync(process.execPath, [join(import.meta.dirname, "../build.ts"), folder]);
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

test("two builds are equal and name no folder of this computer", () => {
  folders.forEach(build);
  const [one = "", two = ""] = folders.map((folder) => readFileSync(join(folder, "server.js"), "utf8"));
  expect(one === two).toBe(true);
  expect(one).not.toContain(join(import.meta.dirname, "../../../.."));
});

test("a wrong environment ends the program with one clear line", async () => {
  const child = spawn(process.execPath, ["server.js"], { cwd: folders[0], env: { PORT: "x" }, stdio: ["ignore", "pipe", "inherit"] });
  const [code, output] = await Promise.all([once(child, "close"), text(child.stdout)]);
  expect(code[0]).toBe(1);
  expect(JSON.parse(output)).toMatchObject({ level: 60, err: { message: expect.stringMatching(/PORT.*DATABASE_URL/) } });
});

type Running = { readonly child: ChildProcess; readonly port: number; readonly metricsPort: number; readonly output: () => string };

describe.skipIf(SKIP_REASON)(`stopping${SKIP_REASON ? ` (${SKIP_REASON})` : ""}`, () => {
  let database: Database;
  beforeAll(async () => {
    database = await startDatabase();
    await migrate(database.owner, "up");
  }, 60_000);
  afterAll(() => database.remove());

  const start = async (): Promise<Running> => {
    const env = { DATABASE_URL: database.url, HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0", LOG_LEVEL: "debug" };
    const child = spawn(process.execPath, ["server.js"], { cwd: folders[0], env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout?.on("data", (chunk) => void (output += chunk));
    while (!output.includes("listening")) await wait(20);
    const { port, metricsPort } = output
      .split("\n")
      .map((line) => JSON.parse(line || "{}"))
      .find((line) => line.msg === "listening");
    return { child, port, metricsPort, output: () => output };
  };

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s finishes what runs, takes nothing new, and exits with 0",
    async (signal) => {
      const { child, port, metricsPort, output } = await start();
      const agent = new Agent({ keepAlive: true });
      const ask = async (path: string): Promise<IncomingMessage> => {
        const [response] = await once(
          get({ host: "127.0.0.1", port, path, agent, headers: { "X-Request-Id": path.replaceAll("/", ".") } }),
          "response",
        );
        return response;
      };
      (await ask("/ping")).resume();
      const holder = await database.owner.connect();
      await holder.query("begin; lock table profile in access exclusive mode");
      const slow = ask("/api/about/v1/me");
      await wait(300);
      const exit = once(child, "close");
      child.kill(signal);
      await wait(300);
      expect((await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status).toBe(503);
      await expect(fetch(`http://127.0.0.1:${port}/ping`)).rejects.toThrow();
      await holder.query("commit");
      holder.release();
      const response = await slow;
      expect([response.statusCode, response.headers.connection]).toEqual([200, "close"]);
      expect(JSON.parse(await text(response))).toMatchObject({ firstName: "Noor" });
      expect(await exit).toEqual([0, null]);
      agent.destroy();
      const lines = output()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines.at(-1)).toMatchObject({ msg: "stopped" });
      expect(lines).toContainEqual(expect.objectContaining({ requestId: ".api.about.v1.me", route: "/api/about/v1/me", status: 200 }));
      expect(output()).not.toContain("a1B2c3D4");
    },
    20_000,
  );

  test("idle and silent connections do not delay the end", async () => {
    const { child, port } = await start();
    const { connect } = await import("node:net");
    const silent = connect(port, "127.0.0.1");
    silent.on("error", () => undefined);
    await once(silent, "connect");
    await wait(100);
    const began = performance.now();
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(performance.now() - began).toBeLessThan(2_000);
    silent.destroy();
  }, 40_000);
});
