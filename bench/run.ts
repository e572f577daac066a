/** `npm run bench [NAME…]`: every benchmark, or the named ones, one after the other; writes nothing into the repository. */
import { loadavg } from "node:os";
import * as ansible from "./ansible.ts";
import * as boot from "./boot.ts";
import * as gateway from "./gateway.ts";
import * as image from "./image.ts";
import * as plan from "./plan-10k.ts";
import * as second from "./second-up.ts";
import { removeHandLeftovers } from "./tools/hand.ts";
import { renderTable, Skip } from "./tools/row.ts";
import type { Row } from "./tools/row.ts";
import { removeLeftovers } from "./tools/site.ts";

type Benchmark = { readonly name: string; readonly run: () => Promise<readonly Row[]> };

const BENCHMARKS: readonly Benchmark[] = [second, boot, ansible, plan, image, gateway];

const cleanUp = async (): Promise<void> => {
  await removeLeftovers();
  await removeHandLeftovers();
};

/** Prints one benchmark's table. @returns false where it broke */
const runOne = async ({ name, run }: Benchmark): Promise<boolean> => {
  const started = performance.now();
  console.log(`\n${name}`);
  try {
    console.log(renderTable(await run()));
    console.log(`  (${((performance.now() - started) / 1000).toFixed(0)} s, load ${(loadavg()[0] ?? 0).toFixed(1)})`);
    return true;
  } catch (error) {
    console.log(error instanceof Skip ? `  skipped: ${error.message}` : `  broke: ${error instanceof Error ? error.stack : String(error)}`);
    return error instanceof Skip;
  }
};

const choose = (names: readonly string[]): readonly Benchmark[] => {
  const unknown = names.find((wanted) => !BENCHMARKS.some(({ name }) => name === wanted));
  if (unknown === undefined) return names.length === 0 ? BENCHMARKS : BENCHMARKS.filter(({ name }) => names.includes(name));
  throw new Error(`no benchmark is called ${unknown}; there are ${BENCHMARKS.map(({ name }) => name).join(", ")}`);
};

const stop = (): void => void cleanUp().finally(() => process.exit(130));

const main = async (names: readonly string[]): Promise<void> => {
  const chosen = choose(names);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  await cleanUp();
  let whole = true;
  for (const benchmark of chosen) whole = (await runOne(benchmark)) && whole;
  await cleanUp();
  process.exitCode = whole ? 0 : 1;
};

await main(process.argv.slice(2));
