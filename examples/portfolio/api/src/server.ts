/** The program: configuration from the environment, JSON lines on standard output, SIGTERM or SIGINT to stop. */
import { pino } from "pino";
import { parseConfig } from "./config.ts";
import { startService } from "./service.ts";

// Written at once: lines keep their order, and none is lost when the process ends.
const standardOutput = pino.destination({ fd: 1, sync: true });

async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const options = {
    level: config.logLevel,
    base: { app: "portfolio-api", version: config.version },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const log = pino(options, standardOutput);
  const service = await startService(config, log);
  log.info({ port: service.port, metricsPort: service.metricsPort }, "listening");

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, "draining");
    await service.stop();
    log.info("stopped");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));
}

try {
  await main();
} catch (error) {
  pino({}, standardOutput).fatal({ err: error }, "the API could not start");
  process.exit(1);
}
