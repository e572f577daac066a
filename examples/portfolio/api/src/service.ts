/** The whole service: two ports, one pool, and how it stops. */
import type { RequestListener } from "node:http";
import type { Logger } from "pino";
import { makeGatekeeper } from "./access.ts";
import type { Config, StorageConfig } from "./config.ts";
import { makePool, makeQuery, type Query } from "./database.ts";
import { makeHealth } from "./health.ts";
import { makeListener } from "./listener.ts";
import { makeStaticMedia, type Media } from "./media.ts";
import { type Objects, openObjects } from "./objects.ts";
import { makeMetrics, type Metrics } from "./metrics.ts";
import { openPort } from "./port.ts";
import { healthRoutes, makeRoutes } from "./routes.ts";
import { EXPECTED_SCHEMA } from "./schema-version.ts";
import { makeStore } from "./store.ts";
import { startSweeper } from "./sweeper.ts";
import { makeTrash } from "./trash.ts";
import { makeStoredMedia } from "./uploads.ts";

/** Milliseconds that running requests get to finish; shorter than the 35 s a supervisor should wait. */
const DRAIN_LIMIT = 30_000;

/** Probes on the metrics port are not traffic. */
const NOT_COUNTED: Metrics = { begin: () => undefined, end: () => undefined, render: () => "" };

export type Service = { readonly port: number; readonly metricsPort: number; readonly stop: () => Promise<void> };

export async function startService(config: Config, log: Logger): Promise<Service> {
  const pool = makePool(config.databaseUrl, log);
  const query = makeQuery(pool);
  const storage = config.storage === undefined ? undefined : openStorage(config.storage, query, log);
  const report = (dependency: string, reason: unknown): void => log.warn({ dependency, err: reason }, "unavailable");
  const health = makeHealth({ query, probe: storage?.probe, report }, EXPECTED_SCHEMA, () => performance.now());
  const metrics = makeMetrics(config.version, pool);
  const shared = {
    gatekeeper: makeGatekeeper(config.apiKeys),
    corsOrigins: config.corsOrigins,
    metrics,
    isDraining: health.isDraining,
    log,
  };
  const parts = { store: makeStore(query), media: storage?.media ?? makeStaticMedia(), health, version: config.version };
  const api = await openPort(makeListener({ ...shared, routes: makeRoutes(parts) }), config.host, config.port);
  const inner = makeListener({ ...shared, metrics: NOT_COUNTED, routes: healthRoutes(parts) });
  const side = await openPort(withMetrics(metrics, inner), config.host, config.metricsPort);

  const stop = async (): Promise<void> => {
    health.drain();
    await api.close(DRAIN_LIMIT);
    await side.close(0);
    await storage?.stop();
    await pool.end();
  };
  return { port: api.number, metricsPort: side.number, stop };
}

type Storage = Pick<Objects, "probe"> & { readonly media: Media; readonly stop: () => Promise<void> };

function openStorage(config: StorageConfig, query: Query, log: Logger): Storage {
  const objects = openObjects(config);
  const trash = makeTrash(query);
  const sweeper = startSweeper(trash, objects, log);
  const stop = async (): Promise<void> => {
    await sweeper.stop();
    objects.close();
  };
  return { media: makeStoredMedia({ objects, trash, sweeper }), probe: objects.probe, stop };
}

/** The metrics port answers until the end, so it can also say that the service is stopping. */
function withMetrics(metrics: Metrics, otherwise: RequestListener): RequestListener {
  return (request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") return otherwise(request, response);
    response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }).end(metrics.render());
  };
}
