/** Load from wrk: as many requests as a few connections can carry. */
import { spawnSync } from "node:child_process";
import { runProgram } from "./process.ts";
import { Skip } from "./row.ts";

export type Load = { readonly port: number; readonly host: string; readonly path: string; readonly headers?: readonly string[] };
export type Measured = { readonly perSecond: number; readonly p99Ms: number; readonly requests: number };

export const SECONDS = 2;
const CONNECTIONS = 32;

/** @throws Skip where there is no wrk and apt has none either */
export const ensureWrk = (): void => {
  const has = (): boolean => spawnSync("wrk", ["-v"]).error === undefined;
  if (has()) return;
  spawnSync("apt-get", ["install", "--yes", "--no-install-recommends", "wrk"], { stdio: "ignore" });
  if (!has()) throw new Skip("wrk is missing (Debian package wrk), and apt-get could not install it");
};

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** Pure. @throws Error where anything was not answered as it should be: such numbers mean nothing */
export const readWrk = (text: string): Measured => {
  const rate = /^Requests\/sec:\s+([0-9.]+)$/m.exec(text)?.[1];
  const [, p99, unit = ""] = /^\s+99%\s+([0-9.]+)(us|ms|s|m)$/m.exec(text) ?? [];
  const requests = /^\s+([0-9]+) requests in /m.exec(text)?.[1];
  if (rate === undefined || requests === undefined || p99 === undefined || /Non-2xx|Socket errors/.test(text))
    throw new Error(`wrk: ${text}`);
  return { perSecond: Number(rate), p99Ms: Number(p99) * (MILLISECONDS[unit] ?? Number.NaN), requests: Number(requests) };
};

export const runLoad = async ({ port, host, path, headers = [] }: Load): Promise<Measured> => {
  const lines = [`Host: ${host}`, ...headers].flatMap((header) => ["-H", header]);
  const words = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "--latency", ...lines, `https://127.0.0.1:${port}${path}`];
  return readWrk((await runProgram(["wrk", ...words])).out);
};
